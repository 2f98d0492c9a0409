import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from stethoscope.detection.dcase import naming_of, write_results
from stethoscope.detection.scores import ScoredClip
from stethoscope.errors import ParameterError
from stethoscope.machines import split_key


def _clips(template: str, machines, *, domains=("",), n=(9, 14), seed=0) -> list[ScoredClip]:
    rng = np.random.default_rng(seed)
    clips = []
    for machine in machines:
        machine_type, machine_id = split_key(machine)
        for domain in domains:
            for i in range(sum(n)):
                condition = "normal" if i < n[0] else "anomaly"
                score = float(rng.normal(1.1 * (i >= n[0])))
                path = template.format(
                    type=machine_type, id=machine_id, condition=condition, domain=domain, number=i
                )
                clips.append(
                    ScoredClip(
                        path=path,
                        machine_type=machine_type,
                        machine_id=machine_id,
                        condition=condition,
                        domain=domain,
                        score=score,
                        threshold=0.7,
                        decision=score > 0.7,
                    )
                )
    rng.shuffle(clips)  # type: ignore[arg-type]
    return clips


DCASE_2020 = "{type}/test/{condition}_id_{id}_{number:08d}.wav"
DCASE_2021 = "{type}/{domain}_test/section_{id}_{domain}_test_{condition}_{number:04d}.wav"
DCASE_2022 = "{type}/test/section_{id}_{domain}_test_{condition}_{number:04d}_speed_1.wav"


def _read(path: Path) -> dict[str, float]:
    """Read a file as the evaluators do: no header, the order of names taken as given."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == sorted(rows)
    assert all(len(row) == 2 for row in rows)
    return {name: float(value) for name, value in rows}


def _areas(names: dict[str, float]) -> tuple[float, float]:
    truth = ["anomaly" in name for name in names]
    return metrics.roc_auc_score(truth, list(names.values())), metrics.roc_auc_score(
        truth, list(names.values()), max_fpr=0.1
    )


def _blocks(path: Path) -> dict[str, list[list[str]]]:
    """Read `result.csv`: machine type, header, rows, means, blank line."""
    blocks: dict[str, list[list[str]]] = {}
    for block in path.read_text().split("\n\n"):
        rows = list(csv.reader(block.strip().splitlines()))
        if rows:
            blocks[rows[0][0]] = rows[1:]
    return blocks


def test_2020_files_give_the_same_figures_by_the_evaluators_rules(tmp_path):
    clips = _clips(DCASE_2020, ("fan/00", "fan/02", "ToyCar/01"))
    written = write_results(tmp_path, clips)
    assert [path.name for path in written] == [
        "anomaly_score_ToyCar_id_01.csv",
        "anomaly_score_fan_id_00.csv",
        "anomaly_score_fan_id_02.csv",
        "result.csv",
    ]
    blocks = _blocks(tmp_path / "result.csv")
    assert list(blocks) == ["ToyCar", "fan"]
    assert blocks["fan"][0] == ["id", "AUC", "pAUC"]
    expected = [
        _areas(_read(tmp_path / f"anomaly_score_fan_id_{machine_id}.csv"))
        for machine_id in ("00", "02")
    ]
    for row, machine_id, areas in zip(blocks["fan"][1:3], ("00", "02"), expected, strict=True):
        assert row[0] == machine_id
        assert [float(value) for value in row[1:]] == pytest.approx(areas, abs=1e-9)
    assert blocks["fan"][3][0] == "Average"
    assert [float(value) for value in blocks["fan"][3][1:]] == pytest.approx(
        np.mean(expected, axis=0), abs=1e-9
    )


def test_2021_files_are_separate_for_each_domain(tmp_path):
    clips = _clips(DCASE_2021, ("valve/00", "valve/01"), domains=("source", "target"))
    names = {path.name for path in write_results(tmp_path, clips)}
    assert names == {"result.csv"} | {
        f"{kind}_valve_section_{section}_{domain}_test.csv"
        for kind in ("anomaly_score", "decision_result")
        for section in ("00", "01")
        for domain in ("source", "target")
    }
    rows = _blocks(tmp_path / "result.csv")["valve"]
    assert rows[0] == ["section", "domain", "AUC", "pAUC", "precision", "recall", "F1 score"]
    assert [row[:2] for row in rows[1:5]] == [
        ["00", "source"],
        ["01", "source"],
        ["00", "target"],
        ["01", "target"],
    ]
    figures = []
    for section, domain, *values in rows[1:5]:
        scores = _read(tmp_path / f"anomaly_score_valve_section_{section}_{domain}_test.csv")
        decisions = _read(tmp_path / f"decision_result_valve_section_{section}_{domain}_test.csv")
        truth = ["anomaly" in name for name in scores]
        called = [bool(value) for value in decisions.values()]
        decided = metrics.precision_recall_fscore_support(truth, called, average="binary")[:3]
        figures.append([float(value) for value in values])
        assert figures[-1] == pytest.approx([*_areas(scores), *decided], abs=1e-9)
    assert [row[:2] for row in rows[5:]] == [["arithmetic mean", ""], ["harmonic mean", ""]]
    assert [float(value) for value in rows[5][2:]] == pytest.approx(
        np.mean(figures, axis=0), abs=1e-9
    )
    assert [float(value) for value in rows[6][2:]] == pytest.approx(
        stats.hmean(figures, axis=0), abs=1e-9
    )


def test_2022_files_hold_both_domains_and_figures_by_the_rule_of_2022(tmp_path):
    clips = _clips(DCASE_2022, ("gearbox/00", "gearbox/01"), domains=("source", "target"))
    written = write_results(tmp_path, clips)
    assert [path.name for path in written[:2]] == [
        "anomaly_score_gearbox_section_00_test.csv",
        "decision_result_gearbox_section_00_test.csv",
    ]
    rows = _blocks(tmp_path / "result.csv")["gearbox"]
    assert rows[0][:4] == ["section", "AUC (source)", "AUC (target)", "pAUC"]
    assert rows[0][4:] == [
        f"{name} ({domain})"
        for name in ("precision", "recall", "F1 score")
        for domain in ("source", "target")
    ]
    for section, *values in rows[1:3]:
        scores = _read(tmp_path / f"anomaly_score_gearbox_section_{section}_test.csv")
        decisions = _read(tmp_path / f"decision_result_gearbox_section_{section}_test.csv")
        expected = [
            _areas({n: s for n, s in scores.items() if domain in n or "anomaly" in n})[0]
            for domain in ("source", "target")
        ]
        expected.append(_areas(scores)[1])
        decided = []
        for domain in ("source", "target"):
            own = {name: bool(value) for name, value in decisions.items() if domain in name}
            decided.append(
                metrics.precision_recall_fscore_support(
                    ["anomaly" in n for n in own], list(own.values()), average="binary"
                )[:3]
            )
        assert [float(value) for value in values] == pytest.approx(
            [*expected, *np.transpose(decided).ravel()], abs=1e-9
        )


def test_2022_without_domains_has_single_columns(tmp_path):
    write_results(
        tmp_path, _clips("{type}/test/section_{id}_{number:04d}_{condition}.wav", ("fan/00",))
    )
    assert _blocks(tmp_path / "result.csv")["fan"][0] == [
        "section",
        "AUC",
        "pAUC",
        "precision",
        "recall",
        "F1 score",
    ]


def test_a_figure_that_cannot_be_computed_is_na_and_left_out_of_the_means(tmp_path):
    clips = [*_clips(DCASE_2020, ("fan/00",)), *_clips(DCASE_2020, ("fan/06",), n=(0, 1))]
    write_results(tmp_path, clips)
    rows = _blocks(tmp_path / "result.csv")["fan"]
    assert rows[2] == ["06", "n/a", "n/a"]
    assert rows[3][1:] == rows[1][1:]
    write_results(tmp_path, clips[-1:])
    assert _blocks(tmp_path / "result.csv")["fan"][1:] == [
        ["06", "n/a", "n/a"],
        ["Average", "n/a", "n/a"],
    ]
    assert not re.search(r"\bnan\b", (tmp_path / "result.csv").read_text(), re.IGNORECASE)


def test_names_that_repeat_are_replaced_by_paths(tmp_path):
    clips = _clips("{type}/id_{id}/{condition}/{number:08d}.wav", ("fan/00",), n=(3, 3))
    again = [
        replace(clips[0], path=f"fan/id_00/{condition}/00000000.wav", condition=condition)
        for condition in ("normal", "anomaly")
    ]
    write_results(tmp_path / "apart", clips)
    assert len(_read(tmp_path / "apart" / "anomaly_score_fan_id_00.csv")) == 6
    write_results(tmp_path / "flat", again)
    assert list(_read(tmp_path / "flat" / "anomaly_score_fan_id_00.csv")) == [
        "fan_id_00_anomaly_00000000.wav",
        "fan_id_00_normal_00000000.wav",
    ]


def test_equal_paths_in_two_archives_are_prefixed_by_the_archive(tmp_path):
    clip, *_ = _clips("fan/id_00/normal/0.wav", ("fan/00",))
    clips = [replace(clip, source=source) for source in ("-6_dB_fan.zip", "6_dB_fan.zip")]
    write_results(tmp_path, clips)
    assert set(_read(tmp_path / "anomaly_score_fan_id_00.csv")) == {
        "-6_dB_fan.zip_fan_id_00_normal_0.wav",
        "6_dB_fan.zip_fan_id_00_normal_0.wav",
    }


def test_the_naming_follows_from_the_clips_unless_chosen(tmp_path):
    assert naming_of(_clips(DCASE_2020, ("fan/00",))) == "2020"
    assert naming_of(_clips(DCASE_2021, ("fan/00",), domains=("source", "target"))) == "2021"
    assert naming_of(_clips(DCASE_2022, ("fan/00",), domains=("source", "target"))) == "2022"
    assert naming_of(_clips("{type}/id_{id}/{condition}/{number:08d}.wav", ("fan/00",))) == "2020"
    write_results(tmp_path, _clips(DCASE_2020, ("fan/00",)), naming="2022")
    assert (tmp_path / "decision_result_fan_section_00_test.csv").is_file()


def test_a_naming_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="result naming is '1999'"):
        write_results(tmp_path, _clips(DCASE_2020, ("fan/00",)), naming="1999")
    with pytest.raises(ParameterError, match="needs a domain"):
        write_results(tmp_path, _clips(DCASE_2020, ("fan/00",)), naming="2021")
