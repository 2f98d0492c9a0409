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


def test_members_without_samples_are_given_the_bands_alone(
    two_types: Path, two_types_sampled: Path, tmp_path: Path
) -> None:
    store = FeatureStore.open(two_types)
    train_detector(store, PooledGmm(), tmp_path / "one", validation_split=0.0, seed=0)
    member = load_scorer(tmp_path / "one")
    wide = FeatureStore.open(two_types_sampled)
    frames = np.array(wide.clip_frames(0))
    levels = {"a": {"fan/00": Level(0.0, 1.0)}}
    ensemble = EnsembleScorer({"a": member}, levels, "mean", store.feature)
    assert ensemble.score(frames, "fan/00") == member.score(frames[:, :12], "fan/00")
    assert wide.without_samples().feature == store.feature
    np.testing.assert_array_equal(wide.without_samples().clip_frames(0), frames[:, :12])
    assert store.without_samples() is store
