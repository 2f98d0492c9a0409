"""A tiny network that tells whether a window of sound lies inside a labelled event."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError
from stethoscope.events.architecture import build
from stethoscope.events.decoder import LEAST_SPREAD, Decoder
from stethoscope.events.metrics import calibrate
from stethoscope.events.model import (
    KIND,
    NETWORKS,
    EventDetector,
    normalise,
    window_samples,
)
from stethoscope.events.options import EventFit
from stethoscope.events.windows import LabelledWindows, feature_of, score_part
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_json
from stethoscope.model.folder import write_description
from stethoscope.model.int8 import calibration_windows, write_int8
from stethoscope.model.progress import EpochProgress
from stethoscope.model.tflite import write_tflite
from stethoscope.model.training import Batches, fit_network
from stethoscope.options import split_list
from stethoscope.sound.bands import BandSpectrum, Frames

_CALIBRATION = 500  # windows that set the quantisation


@dataclass(frozen=True, slots=True)
class EventTraining:
    """What came of a training.

    Attributes
    ----------
    curves : dict
        ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy``, a value per epoch.
    best_epoch : int
        The epoch whose weights are kept, from 1.
    windows, positives : int
        Windows trained on, and those inside events.
    parameters : int
        Of the network.
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
    training, validation = windows.of("training"), windows.of("validation")
    frames = np.concatenate(
        [store.clip_frames(index) for index in np.unique(windows.clip[training])]
    )
    mean, deviation = (
        float(np.mean(frames, dtype=np.float64)),
        float(np.std(frames, dtype=np.float64)),
    )
    if not deviation > 0:
        raise DatasetError("the training recordings are all silent; give recordings with sound")
    keras.utils.set_random_seed(fit.seed)
    network = build(fit, store.feature.size)
    network.compile("adam", "binary_crossentropy", metrics=["accuracy"], steps_per_execution=10)
    positives = float(windows.label[training].sum())
    ratio = (len(training) - positives) / positives
    drawn = windows.finer(store, table, fit) if fit.augmentation else windows
    batches = _Batches(
        store, drawn, drawn.of("training"), fit, mean, deviation, training=True, count=len(training)
    )
    check = _Batches(
        store, windows, validation, fit, mean, deviation, training=False, count=len(validation)
    )
    curves, best = fit_network(
        network,
        batches,
        epochs=fit.epochs,
        validation=check,
        patience=fit.patience,
        class_weight={0: 1 / math.sqrt(ratio), 1: math.sqrt(ratio)},
        callbacks=[EpochProgress("train events", fit.epochs)],
    )
    description: dict[str, Any] = {
        "window": fit.window,
        "stride": fit.stride,
        "mean": mean,
        "deviation": deviation,
        "labels": _labels(table, fit),
        "decoder": asdict(_decoder(windows, fit, feature_of(store))),
        "thresholds": dict.fromkeys(NETWORKS, 0.5),
        "fit": asdict(fit),
    }
    with atomic_folder(folder) as temporary:
        network.save(temporary / "events.keras")
        np.save(temporary / "first_layer.npy", network.layers[1].get_weights()[0])
        shape = (fit.window, store.feature.size)
        write_tflite(
            network, temporary / "events_float.tflite", shape=(None, *shape), probe=(4, *shape)
        )
        chosen = calibration_windows(_CALIBRATION, training, fit.seed)
        calibration = normalise(windows.gather(store, chosen, fit.window), mean, deviation)
        description["int8"] = asdict(
            write_int8(network, temporary / "events_int8.tflite", calibration)
        )
        write_json(temporary / "feature.json", store.feature.to_json())
        write_json(temporary / "curves.json", {"curves": curves, "best_epoch": best})
        write_description(temporary, KIND, description)
        # A threshold for either network: what int8 answers is not quite what float answers.
        for name in NETWORKS:
            detector = EventDetector.open(temporary, name)
            description["thresholds"][name] = calibrate(
                score_part(store, windows, "validation", detector), detector, fit.tolerance
            )
        write_description(temporary, KIND, description)
    return EventTraining(curves, best, len(training), int(positives), network.count_params())


def _decoder(windows: LabelledWindows, fit: EventFit, feature: BandSpectrum) -> Decoder:
    """Return what to expect of events, from the labels of the training recordings."""
    window = window_samples(feature, fit.window) / feature.sample_rate
    stride = fit.stride * feature.hop_length / feature.sample_rate
    recordings = np.unique(windows.clip[windows.of("training")])
    lasting = np.array(
        [end - start for clip in recordings for start, end in windows.intervals[clip]]
    )
    # So many windows fit into an event on average, wherever it begins between them.
    lengths = np.log(np.maximum((lasting[lasting >= window] - window) / stride, 1.0))
    spread = max(float(np.std(lengths)), LEAST_SPREAD)
    return Decoder(
        length=math.exp(float(np.mean(lengths))),
        spread=spread,
        interval=fit.interval / stride,
        hold_off=fit.hold_off,
    )


def _labels(table: list[Clip], fit: EventFit) -> list[str]:
    wanted = set(split_list(fit.positive))
    return sorted(
        {clip.label for clip in table if clip.label and (not wanted or clip.label in wanted)}
    )


class _Batches(Batches):
    """Batches of normalised windows with their labels; for training `count` of them per epoch, in
    random order.
    """

    def __init__(
        self,
        store: FeatureStore,
        windows: LabelledWindows,
        indices: npt.NDArray[np.intp],
        fit: EventFit,
        mean: float,
        deviation: float,
        *,
        training: bool,
        count: int,
    ) -> None:
        self._store, self._windows, self._indices, self._fit = store, windows, indices, fit
        self._mean, self._deviation, self._count = mean, deviation, count
        self._rng = np.random.default_rng(fit.seed) if training else None
        self._outside = indices[windows.label[indices] == 0]
        super().__init__(fit.batch_size)

    def gather(self, indices: npt.NDArray[np.intp]) -> tuple[Frames, Frames]:
        """Return normalised windows and their labels."""
        frames = self._windows.gather(self._store, indices, self._fit.window)
        if self._rng is not None and self._fit.augmentation:
            frames = self._altered(frames, self._rng)
        return normalise(frames, self._mean, self._deviation), self._windows.label[
            indices, np.newaxis
        ]

    def draw_order(self) -> npt.NDArray[np.intp]:
        """Return the windows of an epoch: at random for training, otherwise all in order."""
        if self._rng is None:
            return self._indices
        return self._rng.permutation(self._indices)[: self._count]

    def _altered(self, frames: Frames, rng: np.random.Generator) -> Frames:
        """Mix background into every other window, and make it louder or softer by up to 3.5 dB:
        magnitudes add, as they about do.
        """
        size = (len(frames), 1, 1)
        background = self._windows.gather(
            self._store, rng.choice(self._outside, len(frames)), self._fit.window
        )
        gain = (rng.uniform(0, 1, size) ** 3 * (rng.random(size) < 0.5)).astype(np.float32)
        louder = np.exp(rng.uniform(-0.4, 0.4, size)).astype(np.float32)
        mixed: Frames = np.log1p(louder * (np.expm1(frames) + gain * np.expm1(background)))
        return mixed
