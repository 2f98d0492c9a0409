"""Training of classifiers."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

from stethoscope.classification import train
from stethoscope.classification.model import Classifier, cover, prepare_frames
from stethoscope.classification.train import train_classifier
from stethoscope.datasets.clips import Clip
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes
from tests.classification.sets import SMALL, labels_of, store_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("network", ["mel-cnn", "mfcc-cnn"])
def test_the_exported_network_separates_the_classes(network: str, tmp_path: Path) -> None:
    feature = Mfcc(sample_rate=16_000, n_mfcc=12) if network == "mfcc-cnn" else None
    store = store_of(tmp_path / "store", feature=feature)
    fit = replace(SMALL, network=network, validation_split=0.2, epochs=25, dropout=0.0)  # type: ignore[arg-type]
    training = train_classifier(store, labels_of(store), fit, tmp_path / "model")
    assert (training.clips, training.held_out) == (30, 6)
    assert training.best_epoch == 1 + int(np.argmin(training.curves["val_loss"]))
    assert training.accuracy_before < 0.7
    classifier = Classifier.open(tmp_path / "model")
    assert classifier.labels == ("cat", "dog", "rain")
    answers = np.array(
        [classifier.probabilities(store.clip_frames(index)) for index in range(len(store.clips))]
    )
    assert answers.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    predicted = [classifier.labels[best] for best in answers.argmax(axis=1)]
    assert np.mean(np.array(predicted) == labels_of(store)) > 0.9
    # The answer to a clip does not depend on the clips beside it.
    trained = keras.saving.load_model(tmp_path / "model" / "classifier.keras")
    windows = [
        cover(prepare_frames(store.clip_frames(index), store.feature), classifier.window)
        for index in range(8)
    ]
    among = trained.predict(np.concatenate(windows), verbose=0)[: len(windows[0])].mean(axis=0)
    np.testing.assert_allclose(answers[0], among, atol=1e-4)


def test_each_window_of_a_small_set_comes_equally_often_in_an_epoch(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store")
    labels = labels_of(store)
    clips = np.arange(len(labels))
    for steps, times in ((1, 1), (5, 2), (9, 2), (10, 3)):  # 36 windows, 8 in a step
        fit = replace(SMALL, epoch_steps=steps)
        longest = int(store.n_frames.max())
        with train._Batches(store, clips, labels, sorted(set(labels)), longest, fit) as batches:
            assert np.bincount(batches.draw_order()).tolist() == [times] * 36
            assert batches.n_steps == -(-times * 36 // 8) >= steps


def test_classes_that_differ_in_the_channel_are_told_apart(tmp_path: Path) -> None:
    """By the exported network, from a file with two channels."""
    rng = np.random.default_rng(0)
    mel = LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16, pad_mode="constant")
    feature = Planes(of=mel, channels=2, seconds=0.4)
    time = np.arange(2400) / 8000
    with FeatureWriter(tmp_path / "store") as writer:
        for label in ("left", "right"):
            for number in range(8):
                samples = rng.normal(0, 0.01, (2, 2400)).astype(np.float32)
                tone = np.sin(2 * np.pi * rng.uniform(500, 2500) * time)
                samples[int(label == "right")] += 0.3 * tone
                name = f"{label}{number}"
                clip = Clip(path=name, recording=name, label=label)
                writer.add(clip, feature.extract(samples))
            soundfile.write(tmp_path / f"{label}.wav", samples.T, 8000)
        writer.finish(feature)
    store = FeatureStore.open(tmp_path / "store")
    train_classifier(store, labels_of(store), replace(SMALL, epochs=25), tmp_path / "model")
    classifier = Classifier.open(tmp_path / "model")
    assert classifier.window == feature.window == 26
    for label in ("left", "right"):
        assert next(iter(classifier.classify(tmp_path / f"{label}.wav"))) == label


def test_the_same_seed_gives_the_same_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "_write", lambda *_: None)
    store = store_of(tmp_path / "store", ("cat", "dog"), recordings=3)
    losses = []
    for seed in (1, 1, 2):
        fit = replace(SMALL, epochs=2, mixup=0.2, seed=seed)
        training = train_classifier(store, labels_of(store), fit, tmp_path / "model")
        losses.append(training.curves["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-2)
