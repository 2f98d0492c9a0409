"""The diagnosis as it is deployed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.diagnosis.model import Diagnosis
from stethoscope.errors import ModelError
from stethoscope.files import read_json, write_json


def test_long_clips_are_covered_by_windows_and_short_ones_extended(
    trained: Path,
) -> None:
    """The same as asking about every window by hand."""
    diagnosis = replace(Diagnosis.open(trained), known=None)
    reference = diagnosis.references.means["fan/00"]
    rng = np.random.default_rng(0)
    long = (reference + 3 * rng.normal(size=(25, 4))).astype(np.float32)
    windows = (
        np.stack([long[0:10], long[8:18], long[15:25]]) - reference
    )  # three windows of ten, evenly spaced
    by_hand = diagnosis.classifier.network(windows.astype(np.float32)).mean(axis=0)
    assert diagnosis.probabilities(long, "fan/00") == pytest.approx(by_hand, abs=1e-6)
    short = long[:6]
    extended = np.concatenate([short, short[-4:]])
    assert diagnosis.probabilities(short, "fan/00") == pytest.approx(
        diagnosis.probabilities(extended, "fan/00"), abs=1e-6
    )


def test_a_damaged_diagnosis_is_refused(diagnosing_copy: Path) -> None:
    (diagnosing_copy / "models" / "diagnosis" / "references.npz").unlink()
    with pytest.raises(ModelError, match=r"references\.npz: is missing"):
        Bundle.open(diagnosing_copy)
    with pytest.raises(ModelError, match=r"references\.npz: is missing or damaged"):
        Diagnosis.open(diagnosing_copy / "models" / "diagnosis")
    model = diagnosing_copy / "models" / "diagnosis" / "model.json"
    write_json(model, {**read_json(model), "labels": ["a", "b", "c"]})
    with pytest.raises(ModelError, match="its labels are a, b, c"):
        Diagnosis.open(diagnosing_copy / "models" / "diagnosis")
