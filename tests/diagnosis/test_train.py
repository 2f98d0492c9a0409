"""Training of the classifier of faults."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stethoscope.diagnosis.evaluate import evaluate_diagnosis
from stethoscope.diagnosis.grouping import find_groups, group_faults
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.model import Diagnosis, References, skip_reason
from stethoscope.diagnosis.options import FaultOptions
from stethoscope.diagnosis.parts import read_parts
from stethoscope.diagnosis.train import fit_diagnosis, train_diagnosis
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_csv
from tests.diagnosis.sets import SMALL, made

pytestmark = pytest.mark.slow

PARTS = ("test", "held-out")


def test_faults_of_test_recordings_are_recognised(
    grouped: tuple[FeatureStore, FaultGroups], trained: Path
) -> None:
    store, _ = grouped
    diagnosis = Diagnosis.open(trained)
    assert diagnosis.labels == ("normal", "fault 1", "fault 2", "fault 3")
    tested = [i for i, (_, part) in enumerate(read_parts(trained)) if part == "test"]
    assert len(tested) == 16
    for i in tested:
        answer = diagnosis.probabilities(store.clip_frames(i), store.clips[i].machine)
        assert answer.sum() == pytest.approx(1.0, abs=1e-5)
        assert diagnosis.labels[int(answer.argmax())] == read_parts(trained)[i][0]


def test_references_are_the_means_of_normal_training_clips(
    grouped: tuple[FeatureStore, FaultGroups], trained: Path
) -> None:
    """Their deviations differ by a hundred between the machines of the set."""
    store, _ = grouped
    diagnosis = Diagnosis.open(trained)
    expected = {}
    for machine in ("fan/00", "fan/01"):
        normal = [
            store.clip_frames(i).mean(axis=0)
            for i, ((label, part), clip) in enumerate(
                zip(read_parts(trained), store.clips, strict=True)
            )
            if label == "normal" and part in ("train", "validation") and clip.machine == machine
        ]
        expected[machine] = np.mean(normal, axis=0)
    for machine, mean in expected.items():
        np.testing.assert_allclose(diagnosis.references.means[machine], mean, rtol=1e-5)
    both = (diagnosis.references.means["fan/00"] + diagnosis.references.means["fan/01"]) / 2
    frames = np.zeros((5, 4), np.float32)
    for unknown in ("fan/77", "fan/", "pump/00"):
        np.testing.assert_allclose(
            diagnosis.references.relative(frames, unknown), np.tile(-both, (5, 1)), rtol=1e-5
        )
    assert diagnosis.references.relative(frames, "fan/00") == pytest.approx(
        -np.tile(expected["fan/00"], (5, 1)), rel=1e-5
    )


def test_a_plain_description_has_no_references(tmp_path: Path) -> None:
    store = made(tmp_path / "store", normal=8)
    groups = group_faults(store, FaultOptions(groups=2, description="plain"))
    train_diagnosis(store, groups, replace(SMALL, epochs=1), tmp_path / "model")
    references = Diagnosis.open(tmp_path / "model").references
    frames = np.ones((3, 4), np.float32)
    assert references == References({})
    assert references.relative(frames, "fan/00") is frames


def test_faults_are_recognised_on_a_machine_held_out_of_training(tmp_path: Path) -> None:
    """Both tests are reported: that of this machine, and that of the others' recordings."""
    store = made(tmp_path / "store", machines=3, normal=8, counts={"a": 8, "b": 8, "c": 8})
    groups = find_groups(tmp_path / "store", FaultOptions(groups=3), tmp_path / "groups")
    train_diagnosis(store, groups, SMALL, tmp_path / "model", holdout_id="02")
    diagnosis = Diagnosis.open(tmp_path / "model")
    tested = [i for i, (_, part) in enumerate(read_parts(tmp_path / "model")) if part == "held-out"]
    assert {store.clips[i].machine_id for i in tested} == {"02"}
    right = [
        diagnosis.likeliest_fault(diagnosis.probabilities(store.clip_frames(i), "fan/02"))
        == read_parts(tmp_path / "model")[i][0]
        for i in tested
    ]
    assert np.mean(right) > 0.9
    report = evaluate_diagnosis(
        tmp_path / "store", tmp_path / "groups", tmp_path / "model", tmp_path / "results"
    )
    held_out = report["held_out_machine"]
    assert (held_out["machine"], held_out["clips"]) == ("fan/02", len(tested))
    confusion = np.array(held_out["figures"]["confusion"])
    assert held_out["figures"]["accuracy"]["value"] == np.trace(confusion) / len(tested)
    answers = list(read_csv(tmp_path / "results" / "fault_answers.csv"))
    machines = {part: {row["machine"] for row in answers if row["part"] == part} for part in PARTS}
    assert machines == {"test": {"fan/00", "fan/01"}, "held-out": {"fan/02"}}
    assert report["test_clips"] == sum(row["part"] == "test" for row in answers) > 0


def test_without_normal_clips_there_is_nothing_to_diagnose(tmp_path: Path) -> None:
    made(tmp_path / "store", machines=1, normal=0, counts={"a": 4, "b": 4})
    find_groups(
        tmp_path / "store", FaultOptions(groups=2, description="plain"), tmp_path / "groups"
    )
    assert fit_diagnosis(tmp_path / "store", tmp_path / "groups", SMALL, tmp_path / "model") is None
    assert skip_reason(tmp_path / "model") == "there is no normal clip to compare faults with"
