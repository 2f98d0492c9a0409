"""Training of the event detector: a small network that scores windows, and its thresholds."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError
from stethoscope.events.architecture import build
from stethoscope.events.batches import LabelledBatches, TrainingBatches
from stethoscope.events.decoder import LEAST_SPREAD, Decoder
from stethoscope.events.metrics import calibrate
from stethoscope.events.model import (
    KIND,
    NETWORKS,
    EventDetector,
    describe_classes,
    normalise,
    window_samples,
)
from stethoscope.events.options import EventFit
from stethoscope.events.windows import (
    LabelledWindows,
    band_spectrum_of,
    event_labels,
    score_part,
)
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_json
from stethoscope.model.folder import write_description
from stethoscope.model.int8 import Conversion, calibration_windows, write_int8
from stethoscope.model.progress import EpochProgress
from stethoscope.model.tensorflow import keras
from stethoscope.model.tflite import write_tflite
from stethoscope.model.training import Indices, Trainer
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.definition import Frames

# Epochs over which weights are averaged where background is mixed in or the classes are several:
# the best epoch of one class is not that of another.
_AVERAGED = 5
_CALIBRATION = 500  # windows that set the quantisation


@dataclass(frozen=True, slots=True)
class EventTraining:
    """Result of a training.

    Attributes
    ----------
    curves : dict
        ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy``, a value per epoch.
    best_epoch : int
        The epoch whose weights are kept, from 1.
    windows, positives : int
        Windows of the training part, and those of them inside events.
    parameters : int
        Number of weights of the network.
    """

    curves: dict[str, list[float]]
    best_epoch: int
    windows: int
    positives: int
    parameters: int

    def metrics(self) -> dict[str, float]:
        """Return the figures by name."""
        last = {name: values[self.best_epoch - 1] for name, values in self.curves.items()}
        return {
            "best_epoch": self.best_epoch,
            "windows": self.windows,
            "positives": self.positives,
            "parameters": self.parameters,
            **last,
        }


def train_events(
    store: FeatureStore, table: list[Clip], fit: EventFit, folder: Path
) -> EventTraining:
    """Fit the event detector and write its model folder, all or nothing.

    Parameters
    ----------
    store : FeatureStore
        Band spectra of whole recordings.
    table : list of Clip
        Rows of the recordings and of their labelled intervals.
    fit : EventFit
    folder : Path

    Raises
    ------
    DatasetError
        If the recordings cannot be divided, or a part lacks events.
    """
    windows = LabelledWindows.cut(store, table, fit)
    mean, deviation = _normalisation(store, windows)
    keras.utils.set_random_seed(fit.seed)
    network = build(fit, store.feature.size, len(windows.classes))
    training = _fit(network, store, table, windows, fit, (mean, deviation))
    description: dict[str, Any] = {
        "window": fit.window,
        "stride": fit.stride,
        "mean": mean,
        "deviation": deviation,
        "labels": event_labels(table, fit),
        "fit": asdict(fit),
    }
    classes: list[dict[str, Any]] = [
        {
            "label": label,
            "decoder": asdict(_expect_events(windows, index, fit, band_spectrum_of(store))),
            "thresholds": dict.fromkeys(NETWORKS, 0.5),
        }
        for index, label in enumerate(windows.classes)
    ]
    training_windows = np.concatenate([windows.of("training"), windows.of("background-training")])
    chosen = calibration_windows(_CALIBRATION, training_windows, fit.seed)
    calibration = normalise(windows.gather(store, chosen, fit.window), mean, deviation)
    with atomic_folder(folder) as temporary:
        description["int8"] = asdict(_write_networks(network, calibration, temporary))
        write_json(temporary / "feature.json", store.feature.to_json())
        curves = {"curves": training.curves, "best_epoch": training.best_epoch}
        write_json(temporary / "curves.json", curves)
        write_description(temporary, KIND, description | describe_classes(classes))
        # With other background, training makes one half the right score to decide by.
        half = 0.5 if len(windows.of("background-training")) else None
        thresholds: list[float | None] = [half for _ in classes]
        # Each network has its own thresholds, because their scores differ; if they are as good,
        # those of the network before.
        for name in NETWORKS:
            thresholds = _thresholds(
                store, windows, fit, EventDetector.open(temporary, name), thresholds
            )
            for one, threshold in zip(classes, thresholds, strict=True):
                one["thresholds"][name] = threshold
        write_description(temporary, KIND, description | describe_classes(classes))
    return training


def _thresholds(
    store: FeatureStore,
    windows: LabelledWindows,
    fit: EventFit,
    detector: EventDetector,
    near: Sequence[float | None],
) -> list[float | None]:
    """Return the threshold of every class, the nearest to those in `near` of equally good ones."""
    validated = score_part(store, windows, "validation", detector)
    background = score_part(store, windows, "background-validation", detector)
    return [
        calibrate([*alone, *noise], one, fit, wanted)
        for one, alone, noise, wanted in zip(
            detector.classes, validated, background, near, strict=True
        )
    ]


def _normalisation(store: FeatureStore, windows: LabelledWindows) -> tuple[float, float]:
    """Return mean and standard deviation over all values of the training recordings."""
    clips = np.unique(windows.clip[windows.of("training")])
    frames = np.concatenate([store.clip_frames(clip) for clip in clips])
    deviation = float(np.std(frames, dtype=np.float64))
    if not deviation > 0:
        raise DatasetError("the training recordings are all silent; give recordings with sound")
    return float(np.mean(frames, dtype=np.float64)), deviation


def _fit(
    network: keras.Model,
    store: FeatureStore,
    table: list[Clip],
    windows: LabelledWindows,
    fit: EventFit,
    normalisation: tuple[float, float],
) -> EventTraining:
    """Train the network; inside and outside are weighted by the square root of their ratio."""
    training, background = windows.of("training"), windows.of("background-training")
    positives = windows.label[training].sum(axis=0, dtype=np.float64)
    # Background may be far longer than the labelled recordings; an epoch has at most half of it.
    per_epoch = len(training), min(len(background), len(training))
    weight = np.sqrt((sum(per_epoch) - positives) / positives)
    drawn = windows.finer(store, table, fit) if fit.augmentation else windows
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy")
    # No mean over the classes: the score of each class has its own weight.
    loss = keras.losses.BinaryCrossentropy(axis=())
    network.compile("adam", loss, metrics=[accuracy])
    curves, best = Trainer(network).fit(
        TrainingBatches(
            store, drawn, fit, normalisation, per_epoch=per_epoch, weights=(1 / weight, weight)
        ),
        epochs=fit.epochs,
        validation=LabelledBatches(store, windows, _validation(windows, fit), fit, normalisation),
        patience=fit.patience,
        averaged=_AVERAGED if len(background) or len(windows.classes) > 1 else 1,
        progress=EpochProgress("train events", fit.epochs),
    )
    inside = int(windows.label[training].any(axis=1).sum())
    return EventTraining(curves, best, sum(per_epoch), inside, network.count_params())


def _validation(windows: LabelledWindows, fit: EventFit) -> Indices:
    """Return the windows by which training is stopped: at most half of them are background."""
    labelled, background = windows.of("validation"), windows.of("background-validation")
    drawn = np.random.default_rng(fit.seed).permutation(background)[: len(labelled)]
    return np.concatenate([labelled, np.sort(drawn)])


def _write_networks(network: keras.Model, calibration: Frames, folder: Path) -> Conversion:
    """Write the network for Keras, in float32 and in int8, and the weights of its first layer."""
    network.save(folder / "events.keras")
    np.save(folder / "first_layer.npy", network.layers[1].get_weights()[0])
    shape = calibration.shape[1:]
    float32 = folder / "events_float.tflite"
    write_tflite(network, float32, shape=(None, *shape), probe=(4, *shape))
    return write_int8(network, folder / "events_int8.tflite", calibration)


def _expect_events(
    windows: LabelledWindows, index: int, fit: EventFit, feature: BandSpectrum
) -> Decoder:
    """Return what to expect of a class of events, from the labels of the training recordings."""
    window = window_samples(feature, fit.window) / feature.sample_rate
    stride = fit.stride * feature.hop_length / feature.sample_rate
    clips, intervals = np.unique(windows.clip[windows.of("training")]), windows.intervals[index]
    seconds = np.array([end - start for clip in clips for start, end in intervals[clip]])
    # The mean number of windows that lie inside an event, over all offsets of the grid of windows.
    lengths = np.log(np.maximum((seconds[seconds >= window] - window) / stride, 1.0))
    return Decoder(
        length=math.exp(float(np.mean(lengths))),
        spread=max(float(np.std(lengths)), LEAST_SPREAD),
        interval=fit.interval / stride,
        hold_off=fit.hold_off,
    )
