from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

from stethoscope.classification.folds import fold_of
from stethoscope.classification.model import Classifier, cover, prepare
from stethoscope.classification.options import ClassFit
from stethoscope.classification.train import OneCycle, cross_validate, train_classifier
from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError, ParameterError
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.sound.feature import Feature
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes

SMALL = ClassFit(
    filters=(8, 16),
    epochs=15,
    batch_size=8,
    learning_rate=0.02,
    validation_split=0.0,
    mixup=0.0,
    verbose=0,
)


def made(
    folder: Path,
    classes: Sequence[str] = ("cat", "dog", "rain"),
    *,
    recordings: int = 6,
    feature: Feature | None = None,
) -> FeatureStore:
    """Return a store in which each class is loud in bands of its own; a recording has two clips,
    and folds take turns.
    """
    rng = np.random.default_rng(0)
    feature = feature or LogMel(sample_rate=16_000, n_mels=12)
    with FeatureWriter(folder) as writer:
        for place, label in enumerate(classes):
            for number in range(recordings):
                for part in range(2):
                    frames = rng.normal(-60, 5, (20 + 4 * part, 12))
                    frames[:, 4 * place : 4 * place + 4] += 20
                    name = f"{label}{number}"
                    clip = Clip(
                        path=f"{name}-{part}.wav",
                        recording=name,
                        label=label,
                        fold=1 + number % 3,
                        source="set",
                    )
                    writer.add(clip, frames.astype(np.float32))
        writer.finish(feature)
    return FeatureStore.open(folder)


def labels_of(store: FeatureStore) -> list[str]:
    return [clip.label for clip in store.clips]


@pytest.mark.parametrize("network", ["mel-cnn", "mfcc-cnn"])
def test_classes_are_learned_and_the_exported_network_answers(network: str, tmp_path: Path) -> None:
    store = made(
        tmp_path / "store",
        feature=Mfcc(sample_rate=16_000, n_mfcc=12) if network == "mfcc-cnn" else None,
    )
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
    assert (
        np.mean(
            [
                classifier.labels[best] == clip.label
                for best, clip in zip(answers.argmax(axis=1), store.clips, strict=True)
            ]
        )
        > 0.9
    )
    # One clip alone gets the answer that it gets among others.
    trained = keras.saving.load_model(tmp_path / "model" / "classifier.keras")
    windows = [
        cover(prepare(store.clip_frames(index), store.feature), classifier.window)
        for index in range(8)
    ]
    among = trained.predict(np.concatenate(windows), verbose=0)[: len(windows[0])].mean(axis=0)
    np.testing.assert_allclose(answers[0], among, atol=1e-4)


def test_channels_are_planes_of_one_picture(tmp_path: Path) -> None:
    """Classes that differ only in the channel that sounds are told apart, by the exported network
    and from a file.
    """
    rng = np.random.default_rng(0)
    feature = Planes(
        of=LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16, pad_mode="constant"),
        channels=2,
        seconds=0.4,
    )
    with FeatureWriter(tmp_path / "store") as writer:
        for label in ("left", "right"):
            for number in range(8):
                samples = rng.normal(0, 0.01, (2, 2400)).astype(np.float32)
                samples[int(label == "right")] += 0.3 * np.sin(
                    2 * np.pi * rng.uniform(500, 2500) * np.arange(2400) / 8000
                )
                writer.add(
                    Clip(path=f"{label}{number}", recording=f"{label}{number}", label=label),
                    feature.extract(samples),
                )
                soundfile.write(tmp_path / f"{label}.wav", samples.T, 8000)
        writer.finish(feature)
    store = FeatureStore.open(tmp_path / "store")
    train_classifier(store, labels_of(store), replace(SMALL, epochs=25), tmp_path / "model")
    classifier = Classifier.open(tmp_path / "model")
    assert classifier.window == feature.window == 26
    assert [
        next(iter(classifier.listen(tmp_path / f"{label}.wav"))) for label in ("left", "right")
    ] == ["left", "right"]


def test_classes_that_differ_in_pitch_alone_are_told_apart(tmp_path: Path) -> None:
    """Two convolutions of stride 2 hear a sound four bands higher alike, four bands higher: their
    mean over all places is the same.
    """
    rng = np.random.default_rng(0)
    with FeatureWriter(tmp_path / "store") as writer:
        for band in (8, 12, 16, 20):
            for number in range(12):
                frames = rng.normal(-60, 2, (24, 32)).astype(np.float32)
                frames[:, band] += rng.uniform(15, 30)
                clip = Clip(
                    path=f"{band}-{number}",
                    recording=f"{band}-{number}",
                    label=f"band {band:02}",
                    fold=1 + number % 2,
                )
                writer.add(clip, frames)
        writer.finish(LogMel(sample_rate=16_000, n_mels=32))
    store = FeatureStore.open(tmp_path / "store")
    found = cross_validate(store, labels_of(store), replace(SMALL, epochs=40, mask=0.0))
    assert (
        np.mean(
            [truth == answer for truth, answer in zip(found.truth, found.answered, strict=True)]
        )
        > 0.9
    )


def test_the_best_weights_are_kept(tmp_path: Path) -> None:
    store = made(tmp_path / "store")
    fit = replace(SMALL, validation_split=0.34, epochs=6, patience=20, shift=0.0, mask=0.0)
    training = train_classifier(store, labels_of(store), fit, tmp_path / "model")
    assert len(training.curves["val_loss"]) == 6
    assert training.curves["val_loss"][training.best_epoch - 1] == min(training.curves["val_loss"])


def test_the_same_seed_gives_the_same_network(tmp_path: Path) -> None:
    store = made(tmp_path / "store")
    losses = [
        train_classifier(
            store,
            labels_of(store),
            replace(SMALL, epochs=3, mixup=0.2, seed=seed),
            tmp_path / "model",
        ).curves["loss"]
        for seed in (1, 1, 2)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-2)


def test_cross_validation_asks_about_unheard_recordings_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each original clip is asked about once, by a network whose training heard nothing of its
    recording; altered ones never.
    """
    from stethoscope.classification import train as sounds

    store = made(tmp_path / "store")
    altered = [
        replace(clip, augmentation="noise 0.005") if clip.path.endswith("-1.wav") else clip
        for clip in store.clips
    ]
    store = replace(store, clips=altered)
    heard: list[set[str]] = []
    train = sounds.train_chosen

    def watched(
        store: FeatureStore,
        labels: Sequence[str],
        clips: sounds.Indices,
        fit: ClassFit,
        folder: Path,
    ) -> sounds.ClassTraining:
        heard.append({store.clips[index].recording for index in clips})
        return train(store, labels, clips, fit, folder)

    monkeypatch.setattr(sounds, "train_chosen", watched)
    found = cross_validate(store, labels_of(store), SMALL)
    assert sorted(found.clips) == [
        index for index, clip in enumerate(store.clips) if not clip.augmentation
    ]
    assert len(heard) == 3
    for index, fold in zip(found.clips, found.fold, strict=True):
        assert store.clips[index].fold == fold
        assert store.clips[index].recording not in heard[fold - 1]
    assert np.mean([a == b for a, b in zip(found.truth, found.answered, strict=True)]) > 0.8


def test_drawn_folds_split_no_recording_and_hold_every_class(tmp_path: Path) -> None:
    store = made(tmp_path, recordings=7)
    chosen = np.arange(len(store.clips))
    folds = fold_of(store.clips, labels_of(store), chosen, 3, seed=1)
    of_recording = defaultdict(set)
    for clip, fold in zip(store.clips, folds, strict=True):
        of_recording[clip.recording].add(int(fold))
    assert all(len(found) == 1 for found in of_recording.values())
    for fold in (1, 2, 3):
        assert {
            clip.label for clip, one in zip(store.clips, folds, strict=True) if one == fold
        } == {"cat", "dog", "rain"}
    sizes = Counter(folds.tolist()).values()
    assert max(sizes) - min(sizes) <= 2


@pytest.mark.parametrize(
    ("classes", "recordings", "n_folds", "message"),
    [
        (["cat"], 6, 0, "only one class, 'cat'"),
        (["cat", "dog"], 2, 3, "class 'cat' has 2 recordings, but class_folds is 3"),
        (["cat", "dog"], 1, 3, "class 'cat' has 1 recording, but class_folds is 3"),
        (["cat", "dog"], 1, 0, "a single fold"),
    ],
)
def test_sets_that_cannot_work_are_one_clear_line(
    classes: list[str], recordings: int, n_folds: int, message: str, tmp_path: Path
) -> None:
    store = made(tmp_path, classes, recordings=recordings)
    with pytest.raises(DatasetError, match=message):
        cross_validate(store, labels_of(store), SMALL, n_folds=n_folds)


def test_a_class_that_lies_in_one_fold_cannot_be_asked_about(tmp_path: Path) -> None:
    store = made(tmp_path)
    lonely = replace(
        store,
        clips=[replace(clip, fold=2 if clip.label == "dog" else clip.fold) for clip in store.clips],
    )
    with pytest.raises(DatasetError, match="class 'dog' lies in fold 2 alone"):
        cross_validate(lonely, labels_of(lonely), SMALL)


def test_a_class_of_two_recordings_is_learned_from_one(tmp_path: Path) -> None:
    store = made(tmp_path)
    chosen = [
        i
        for i, clip in enumerate(store.clips)
        if clip.label != "dog" or clip.recording in ("dog0", "dog1")
    ]
    labels = [clip.label if i in chosen else "" for i, clip in enumerate(store.clips)]
    found = cross_validate(store, labels, replace(SMALL, epochs=2, validation_split=0.2), n_folds=2)
    assert Counter(found.truth) == {"cat": 12, "dog": 4, "rain": 12}


def test_given_folds_must_be_there_and_split_nothing(tmp_path: Path) -> None:
    store = made(tmp_path)
    none = replace(store, clips=[replace(clip, fold=0) for clip in store.clips])
    with pytest.raises(DatasetError, match="gives no fold for it; set class_folds"):
        cross_validate(none, labels_of(none), SMALL)
    leaking = replace(
        store, clips=[replace(clip, fold=1 + number % 3) for number, clip in enumerate(store.clips)]
    )
    with pytest.raises(DatasetError, match="recording cat0 lies in folds 1 and 2"):
        cross_validate(leaking, labels_of(leaking), SMALL)
    with pytest.raises(ParameterError, match="class_folds is 1"):
        cross_validate(store, labels_of(store), SMALL, n_folds=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("network", "cnn"),
        ("filters", ()),
        ("dropout", 1.0),
        ("mask", 1.5),
        ("shift", -0.1),
        ("weight_decay", float("nan")),
        ("mixup", -1.0),
        ("learning_rate", 0.0),
        ("window", -1),
    ],
)
def test_what_cannot_work_is_refused(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"^{name} is"):
        ClassFit(**{name: value})  # type: ignore[arg-type]


def test_the_learning_rate_rises_and_falls_once() -> None:
    cycle = OneCycle(0.01, 100)
    rates = [float(cycle(step)) for step in range(101)]
    assert rates[0] == pytest.approx(0.0004)
    assert rates[30] == pytest.approx(0.01, rel=1e-5)
    assert rates[65] == pytest.approx(0.005, rel=1e-5)
    assert 0 < rates[100] <= 1e-6 * 1.01
