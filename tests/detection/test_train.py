import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stethoscope.detection.detector import Detector
from stethoscope.detection.normal_scores import read_normal_scores
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.train import Training, train_detector
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json


class HeldOutOnly(PooledGmm):
    """A detector that scores all clips by the exported model, as those with networks do."""

    cross_fits = False

    def fit(self, store: FeatureStore, training: np.ndarray, held_out: np.ndarray) -> Detector:
        self.clips = training, held_out
        super().fit(store, training, held_out)
        self.out_of_fold_ = None
        return self


def test_a_detector_that_cross_fits_is_trained_on_all_normal_clips(
    two_types: Path, tmp_path: Path
) -> None:
    store = FeatureStore.open(two_types)
    trained = train_detector(store, PooledGmm(), tmp_path / "model", validation_split=0.5, seed=0)
    assert (trained.clips, trained.held_out) == (18, 18)
    assert not read_normal_scores(tmp_path / "model").trained


def test_held_out_recordings_are_not_trained_on_and_marked(two_types: Path, tmp_path: Path) -> None:
    store = FeatureStore.open(two_types)
    detector = HeldOutOnly()
    trained = train_detector(store, detector, tmp_path / "model", validation_split=0.34, seed=0)
    training, held_out = detector.clips
    assert not set(training) & set(held_out)
    assert (trained.clips, trained.held_out) == (len(training), len(held_out)) == (12, 6)
    scores = read_normal_scores(tmp_path / "model")
    assert {machine: len(values) for machine, values in scores.held_out.items()} == dict.fromkeys(
        ("fan/00", "fan/02", "pump/00"), 2
    )
    assert sum(map(len, scores.trained.values())) == 12


def test_whole_sessions_are_held_out_where_a_machine_has_three(
    make_store: Callable[..., FeatureStore], tmp_path: Path
) -> None:
    store = make_store({"fan/00": 9})
    named = [dataclasses.replace(clip, session="abc"[n % 3]) for n, clip in enumerate(store.clips)]
    store, detector = dataclasses.replace(store, clips=named), HeldOutOnly()
    train_detector(store, detector, tmp_path / "model", validation_split=0.1, seed=0)
    held_out = {store.clips[index].session for index in detector.clips[1]}
    assert len(held_out) == 1
    assert len(detector.clips[1]) == 3
    sessions = read_normal_scores(tmp_path / "model").sessions["fan/00"]
    assert {name: len(scores) for name, scores in sessions.items()} == {
        name: 3 * (name in held_out) for name in "abc"
    }


def test_the_folder_names_the_detector_and_its_feature(two_types: Path, tmp_path: Path) -> None:
    store = FeatureStore.open(two_types)
    train_detector(store, PooledGmm(), tmp_path / "model", validation_split=0.0, seed=0)
    assert read_json(tmp_path / "model/model.json")["kind"] == "pooled-gmm"
    assert read_json(tmp_path / "model/feature.json") == store.feature.to_json()


def test_a_set_without_normal_training_clips_is_refused(
    make_store: Callable[..., FeatureStore], tmp_path: Path
) -> None:
    store = make_store({"fan/00": 0}, anomalies=2)
    with pytest.raises(DatasetError, match="no normal recording to train on"):
        train_detector(store, PooledGmm(), tmp_path / "model", validation_split=0.0, seed=0)
    assert not (tmp_path / "model").exists()


def test_metrics_hold_the_last_loss_of_every_curve() -> None:
    training = Training({"fan": {"loss": [3.0, 2.0]}}, clips=5, held_out=1, seconds=1.234)
    assert training.metrics() == {
        "clips": 5.0,
        "held_out_clips": 1.0,
        "seconds": 1.23,
        "fan_loss": 2.0,
    }
