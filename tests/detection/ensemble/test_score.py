from pathlib import Path

import numpy as np
import pytest

from stethoscope.detection.ensemble.score import EnsembleScorer, Level
from stethoscope.detection.load import load_scorer
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.train import train_detector
from stethoscope.features.store import FeatureStore


@pytest.mark.parametrize(("score", "expected"), [("mean", 1.5), ("max", 4.0)])
def test_scores_of_members_are_normalised_before_they_are_combined(
    score: str, expected: float, two_types: Path, tmp_path: Path
) -> None:
    store = FeatureStore.open(two_types)
    train_detector(store, PooledGmm(), tmp_path / "one", validation_split=0.0, seed=0)
    member = load_scorer(tmp_path / "one")
    frames = np.array(store.clip_frames(0))
    value = member.score(frames, "fan/00")
    levels = {
        "a": {"fan/00": Level(value + 1.0, 1.0)},
        "b": {"fan/00": Level(value - 2.0, 0.5)},
    }  # -1 and 4 deviations
    ensemble = EnsembleScorer({"a": member, "b": member}, levels, score, store.feature)
    assert ensemble.score(frames, "fan/00") == pytest.approx(expected)
