from pathlib import Path
from typing import Any

from stethoscope.monitoring.summary import closing_lines

HERE = Path("out")


def share(value: float | None, reason: str = "") -> dict[str, Any]:
    return {"value": value, "reason": reason}


def machine(name: str, auc: float | None, recall: float | None, reason: str = "") -> dict[str, Any]:
    return {
        "machine": name,
        "auc": share(auc, reason),
        "pauc": share(auc, reason),
        "recall": share(recall),
        "n_anomaly": 20,
        "false_alarm_rate": share(0.1),
        "n_normal": 30,
    }


def summary(diagnosis: dict[str, Any], *machines: dict[str, Any]) -> dict[str, Any]:
    overall = {"machines": machines, "auc": share(0.75), "pauc": share(0.625)}
    skipped = [{"path": "a.wav", "reason": "a.wav: is empty"}]
    return {"evaluation": {"overall": overall, "skipped": skipped}, "diagnosis": diagnosis}


NOTHING = {"reason": "fault_groups is 0"}


def test_every_machine_has_a_row_with_counts_of_clips() -> None:
    lines = closing_lines(summary(NOTHING, machine("fan/00", 0.9, 0.35)), HERE)
    assert lines[0].split() == ["machine", "AUC", "pAUC", "found", "false", "alarms"]
    assert lines[1].split() == ["fan/00", "0.900", "0.900", "7", "of", "20", "3", "of", "30"]
    assert lines[2].split() == ["mean", "0.750", "0.625"]


def test_missing_auc_is_explained_once() -> None:
    reason = "there are no normal test clips"
    machines = [machine(name, None, None, reason) for name in ("fan/00", "fan/02")]
    lines = closing_lines(summary(NOTHING, *machines), HERE)
    assert lines[1].split() == ["fan/00", "n/a", "n/a", "n/a", "3", "of", "30"]
    assert lines.count(f"AUC not computable: {reason}") == 1


def test_without_anomalous_recordings_expected_false_alarms_are_printed() -> None:
    rate = {"value": 0.1, "low": 0.035, "high": 0.256}
    machines = [
        {**machine(name, None, None), "n_anomaly": 0, "false_alarm_rate": rate}
        for name in ("fan/00", "fan/02")
    ]
    content = summary(NOTHING, *machines)
    content["evaluation"]["overall"]["false_alarm_rate"] = {"value": 0.1, "low": 0.05, "high": 0.2}
    lines = closing_lines(content, HERE)
    assert not any("n/a" in line or "AUC" in line for line in lines)
    assert lines[1].split() == ["fan/00", *["3", "of", "30"], "10", *["4", "to", "26"]]
    assert lines[3].split() == ["all", *["6", "of", "60"], "10", *["5", "to", "20"]]
    assert "no anomalous recordings: whether faults are found was not measured" in lines


def test_skipped_recordings_and_a_missing_diagnosis_are_named() -> None:
    lines = closing_lines(summary(NOTHING, machine("fan/00", 0.9, 0.5)), HERE)
    skipped = "warning: 1 recording could not be used, the first: a.wav: is empty"
    assert skipped in lines
    assert "Nothing to diagnose: fault_groups is 0" in lines


def test_sessions_are_counted_where_they_are_known() -> None:
    def line(sessions: dict[str, int | None]) -> list[str]:
        content = summary(NOTHING, machine("fan/00", 0.9, 0.5))
        content["evaluation"]["sessions"] = sessions
        return [one for one in closing_lines(content, HERE) if "sessions" in one]

    start = "recording sessions trained on: "
    assert line({"a": 3, "b": 1}) == [f"{start}1 to 3"]
    assert line({"a": 3, "b": None}) == [f"{start}3, not known for 1 of 2 machines"]
    assert line({"a": None}) == [f"{start}not known from the names of the recordings"]
    assert line({}) == []


def diagnosis(*labels: str) -> dict[str, Any]:
    classes = [{"label": label, "recall": share(0.5)} for label in ("normal", *labels)]
    return {
        "reason": "",
        "groups": [{"label": label, "clips": 9, "test_clips": 4, "unknown": 1} for label in labels],
        "left_out_unknown": share(0.75),
        "figures": {"classes": classes, "balanced_accuracy": 0.5},
    }


def test_groups_are_listed_and_can_be_named() -> None:
    lines = closing_lines(summary(diagnosis("fault 1", "fault 2"), machine("f", 0.9, 0.5)), HERE)
    assert ["fault", "1", "9", "2", "of", "4", "1", "of", "4"] in [line.split() for line in lines]
    assert any(
        line.startswith("balanced accuracy 0.500 over normal and 2 groups") for line in lines
    )
    assert any(
        line.endswith("left out once): 75 % of their clips are called unknown") for line in lines
    )
    assert any("stethoscope label out/bundle 1=NAME 2=NAME" in line for line in lines)


def test_a_machine_that_was_held_out_has_a_line_of_its_own() -> None:
    held_out = {
        "machine": "fan/06",
        "clips": 12,
        "figures": {"balanced_accuracy": 0.75},
        "fault_found": share(0.5),
    }
    both = diagnosis("fault 1", "fault 2") | {"held_out_machine": held_out}
    lines = closing_lines(summary(both, machine("f", 0.9, 0.5)), HERE)
    found = [line for line in lines if line.startswith("balanced accuracy")]
    assert len(found) == 2
    assert found[1] == (
        "balanced accuracy 0.750 on 12 clips of fan/06, a machine that was not used for training; "
        "the likeliest fault is right for 50 %"
    )


def test_named_groups_need_no_name() -> None:
    lines = closing_lines(summary(diagnosis("fault 1: clogging"), machine("f", 0.9, 0.5)), HERE)
    assert not any("stethoscope label" in line for line in lines)
