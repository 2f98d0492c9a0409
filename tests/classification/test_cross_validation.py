"""Cross-validation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stethoscope.classification import cross_validation
from stethoscope.classification.cross_validation import cross_validate
from stethoscope.classification.evaluate import CrossValidation
from stethoscope.classification.folds import Indices
from stethoscope.classification.options import ClassFit
from stethoscope.classification.train import ClassTraining, train_chosen
from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.sound.logmel import LogMel
from tests.classification.sets import SMALL, labels_of, store_of

pytestmark = pytest.mark.slow


def accuracy(found: CrossValidation) -> float:
    return float(np.mean([a == b for a, b in zip(found.truth, found.predicted, strict=True)]))


def test_every_unaltered_clip_is_tested_once_by_a_network_not_trained_on_its_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(tmp_path / "store")
    clips = [
        replace(clip, augmentation="noise 0.005") if clip.path.endswith("-1.wav") else clip
        for clip in store.clips
    ]
    store = replace(store, clips=clips)
    trained_on: list[set[str]] = []

    def recorded(
        store: FeatureStore, labels: Sequence[str], clips: Indices, fit: ClassFit, folder: Path
    ) -> ClassTraining:
        trained_on.append({store.clips[index].recording for index in clips})
        return train_chosen(store, labels, clips, fit, folder)

    monkeypatch.setattr(cross_validation, "train_chosen", recorded)
    found = cross_validate(store, labels_of(store), SMALL)
    originals = [index for index, clip in enumerate(store.clips) if not clip.augmentation]
    assert sorted(found.clips) == originals
    assert len(trained_on) == 3
    for index, fold, truth in zip(found.clips, found.fold, found.truth, strict=True):
        clip = store.clips[index]
        assert (clip.fold, clip.label) == (fold, truth)
        assert clip.recording not in trained_on[fold - 1]
    assert accuracy(found) > 0.8


def test_sounds_that_differ_only_in_pitch_are_told_apart(tmp_path: Path) -> None:
    """Two convolutions of stride 2 map a sound four bands higher to the same values, one place
    higher: the mean over all places is equal.
    """
    rng = np.random.default_rng(0)
    with FeatureWriter(tmp_path / "store") as writer:
        for band in (8, 12, 16, 20):
            for number in range(12):
                frames = rng.normal(-60, 2, (24, 32)).astype(np.float32)
                frames[:, band] += rng.uniform(15, 30)
                name = f"{band}-{number}"
                clip = Clip(path=name, recording=name, label=f"band {band:02}", fold=1 + number % 2)
                writer.add(clip, frames)
        writer.finish(LogMel(sample_rate=16_000, n_mels=32))
    store = FeatureStore.open(tmp_path / "store")
    assert (
        accuracy(cross_validate(store, labels_of(store), replace(SMALL, epochs=40, mask=0))) > 0.9
    )


def test_a_class_of_two_recordings_is_trained_on_one_of_them(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    kept = {"dog0", "dog1"}
    labels = [
        clip.label if clip.label != "dog" or clip.recording in kept else "" for clip in store.clips
    ]
    fit = replace(SMALL, epochs=1, validation_split=0.2)
    found = cross_validate(store, labels, fit, n_folds=2)
    assert Counter(found.truth) == {"cat": 12, "dog": 4, "rain": 12}


def test_a_single_class_is_refused_before_training(tmp_path: Path) -> None:
    store = store_of(tmp_path, ["cat"])
    with pytest.raises(DatasetError, match="only one class, 'cat'"):
        cross_validate(store, labels_of(store), SMALL)
