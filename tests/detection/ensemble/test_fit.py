from pathlib import Path

import numpy as np
import pytest

from stethoscope.detection.ensemble.fit import Ensemble, normal_levels
from stethoscope.detection.ensemble.score import Level
from stethoscope.detection.normal_scores import NormalScores, read_normal_scores
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.train import train_detector
from stethoscope.features.store import FeatureStore


def test_levels_equal_those_computed_by_hand() -> None:
    scores = NormalScores(
        held_out={"fan/00": [3.0, 5.0], "fan/02": [14.0], "pump/00": [7.0]},
        trained={"fan/00": [1.0, 2.0, 3.0], "fan/02": [10.0], "pump/00": [6.0, 6.0]},
    )
    # Residuals over the median training scores 2 and 10: 1, 3, 4. A single one has no deviation.
    mean, deviation = 8 / 3, np.std([1, 3, 4])
    levels = normal_levels(scores)
    assert levels["fan/00"] == pytest.approx((2 + mean, deviation))
    assert levels["fan/02"] == pytest.approx((10 + mean, deviation))
    assert levels["pump/00"] == Level(7.0, 1.0)


def test_levels_of_out_of_fold_scores_are_their_mean_and_deviation() -> None:
    levels = normal_levels(NormalScores(held_out={"fan/00": [1.0, 3.0, 8.0]}, trained={}))
    assert levels["fan/00"] == pytest.approx((4.0, np.std([1, 3, 8])))


def test_levels_without_held_out_clips_use_training_scores() -> None:
    levels = normal_levels(NormalScores(held_out={}, trained={"fan/00": [1.0, 3.0]}))
    assert levels["fan/00"] == pytest.approx((2.0, 1.0))


def test_members_are_not_trained_on_held_out_clips(two_types: Path, tmp_path: Path) -> None:
    store = FeatureStore.open(two_types)
    training = train_detector(
        store, Ensemble([PooledGmm()]), tmp_path / "model", validation_split=0.3, seed=0
    )
    assert (training.clips, training.held_out) == (12, 6)
    whole = read_normal_scores(tmp_path / "model")
    assert {machine: len(scores) for machine, scores in whole.held_out.items()} == {
        "fan/00": 2,
        "fan/02": 2,
        "pump/00": 2,
    }
    part = read_normal_scores(tmp_path / "model/pooled-gmm")
    assert {machine: len(scores) for machine, scores in part.held_out.items()} == {
        "fan/00": 4,
        "fan/02": 4,
        "pump/00": 4,
    }
