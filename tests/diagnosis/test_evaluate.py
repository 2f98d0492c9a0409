"""The test of a diagnosis."""

from dataclasses import replace
from pathlib import Path

import pytest

from stethoscope.bundle.build import export_bundle
from stethoscope.diagnosis.evaluate import evaluate_diagnosis, group_warnings
from stethoscope.diagnosis.grouping import find_groups, group_faults
from stethoscope.diagnosis.model import skip_reason
from stethoscope.diagnosis.options import FaultOptions
from stethoscope.diagnosis.parts import read_parts
from stethoscope.diagnosis.train import fit_diagnosis
from stethoscope.files import read_csv
from tests.diagnosis.sets import SMALL, made

pytestmark = pytest.mark.slow


def test_small_groups_are_trained_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = made(tmp_path / "store", machines=1, normal=6, counts={"a": 6, "b": 2, "c": 1})
    found = find_groups(tmp_path / "store", FaultOptions(groups=3), tmp_path / "groups")
    assert sorted(found.sizes.values()) == [1, 2, 6]
    assert fit_diagnosis(
        tmp_path / "store", tmp_path / "groups", replace(SMALL, epochs=1), tmp_path / "model"
    )
    report = evaluate_diagnosis(
        tmp_path / "store", tmp_path / "groups", tmp_path / "model", tmp_path / "results"
    )
    tested = {
        label
        for (label, part), _ in zip(read_parts(tmp_path / "model"), store.clips, strict=True)
        if part == "test"
    }
    assert tested == {"normal", "fault 1", "fault 2"}, (
        "the group of one clip has no clip for the test"
    )
    assert "fault 2, fault 3: fewer than 3 clips" in report["warnings"][0]
    assert report["warnings"][0] in capsys.readouterr().err


@pytest.mark.parametrize(("description", "warned"), [("plain", True), ("deviation", False)])
def test_groups_that_follow_the_machines_get_a_warning(
    description: str, warned: bool, tmp_path: Path
) -> None:
    store = made(tmp_path, counts={"a": 6, "b": 6})
    found = group_faults(store, FaultOptions(groups=2, description=description))  # type: ignore[arg-type]
    assert any("follow the machine ids" in text for text in group_warnings(found)) == warned


@pytest.mark.parametrize(
    ("normal", "counts", "groups", "reason"),
    [
        (3, {}, -1, "no clip is anomalous"),
        (
            3,
            {"a": 2},
            -1,
            "only 2 clips are anomalous, and a number of groups cannot be chosen by itself",
        ),
        (3, {"a": 2}, 4, "only 2 clips are anomalous, and fault_groups is 4"),
        (3, {"a": 4}, 0, "fault_groups is 0: faults are not grouped"),
        (0, {"a": 4, "b": 4}, 2, "fan/00 has anomalous clips, but no normal ones"),
    ],
)
def test_where_there_is_nothing_to_diagnose_the_steps_give_the_reason_and_go_on(
    normal: int,
    counts: dict[str, int],
    groups: int,
    reason: str,
    tmp_path: Path,
    fan_model: Path,
    fan_results: Path,
) -> None:
    made(tmp_path / "store", machines=1, normal=normal, counts=counts)
    find_groups(tmp_path / "store", FaultOptions(groups=groups), tmp_path / "groups")
    assert fit_diagnosis(tmp_path / "store", tmp_path / "groups", SMALL, tmp_path / "model") is None
    assert skip_reason(tmp_path / "model").startswith(reason)
    report = evaluate_diagnosis(
        tmp_path / "store", tmp_path / "groups", tmp_path / "model", tmp_path / "results"
    )
    assert report["reason"].startswith(reason)
    bundle = export_bundle(
        fan_model,
        fan_results,
        tmp_path / "bundle",
        diagnosis=tmp_path / "model",
        diagnosed=tmp_path / "results",
    )
    assert list(bundle.models) == ["detector"]


def test_clips_of_a_group_left_out_are_unknown_and_those_of_known_groups_are_not(
    tmp_path: Path,
) -> None:
    made(tmp_path / "store", normal=12, counts={"a": 12, "b": 12, "c": 12})
    find_groups(tmp_path / "store", FaultOptions(groups=3), tmp_path / "groups")
    fit_diagnosis(tmp_path / "store", tmp_path / "groups", SMALL, tmp_path / "model")
    report = evaluate_diagnosis(
        tmp_path / "store", tmp_path / "groups", tmp_path / "model", tmp_path / "results"
    )
    assert report["left_out_unknown"]["value"] == 1.0
    assert report["known_unknown"]["value"] <= 0.2
    unknown = sum(group["unknown"] for group in report["groups"])
    tested = sum(group["test_clips"] for group in report["groups"])
    assert report["known_unknown"]["value"] == pytest.approx(unknown / tested)
    answers = read_csv(tmp_path / "results" / "fault_answers.csv")
    assert (
        sum(row["fault_if_anomalous"] == "unknown" and row["label"] != "normal" for row in answers)
        == unknown
    )
    for row in answers:
        if float(row["fault_distance"]) <= 1 and row["answer"] != "normal":
            assert row["fault_if_anomalous"] == row["answer"]
