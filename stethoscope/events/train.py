"""A tiny network that tells whether a window of sound lies inside a labelled event."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from stethoscope.datasets.audacity import intervals_of
from stethoscope.datasets.clips import Clip
from stethoscope.detection.train import versions
from stethoscope.errors import DatasetError
from stethoscope.events.decoder import LEAST_SPREAD, Decoder
from stethoscope.events.metrics import Stretch, calibrate
from stethoscope.events.model import (
    KIND,
    NETWORKS,
    SCHEMA_VERSION,
    EventDetector,
    normalise,
    window_labels,
)
from stethoscope.events.options import EventFit
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_json
from stethoscope.model.int8 import calibration_windows, write_int8
from stethoscope.model.tflite import write_tflite
from stethoscope.model.training import Batches, fit_network
from stethoscope.options import split_list
from stethoscope.progress import Bar
from stethoscope.sound.bands import BandSpectrum, Frames
from stethoscope.sound.feature import Feature

PARTS = ("training", "validation", "test")
_SHARES = (0.6, 0.2, 0.2)
_CALIBRATION = 500  # windows that set the quantisation


@dataclass(frozen=True)
class Windows:
    """All windows of a set of recordings, in order.

    Attributes
    ----------
    clip : np.ndarray of int [shape=(n_windows,)]
        Index of the window's recording in the store.
    first : np.ndarray of int [shape=(n_windows,)]
        Its first frame, counted from the recording's first.
    label : np.ndarray of float32 [shape=(n_windows,)]
        1 inside an event, else 0.
    part : np.ndarray of int [shape=(n_windows,)]
        Index into `PARTS`.
    intervals : list of list of (float, float)
        The events of every recording, in seconds.
    """

    clip: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    label: npt.NDArray[np.float32]
    part: npt.NDArray[np.int64]
    intervals: list[list[tuple[float, float]]]

    @classmethod
    def cut(cls, store: FeatureStore, table: list[Clip], fit: EventFit) -> "Windows":
        """Cut the recordings of a store into windows, label and divide them.

        Parameters
        ----------
        store : FeatureStore
            Whole recordings.
        table : list of Clip
            Rows of the recordings and of their labelled intervals.
        fit : EventFit

        Raises
        ------
        DatasetError
            If a part has no recording, or training or validation lack events or have nothing else.
        """
        feature = store.feature
        labelled = intervals_of(table, fit.positive)
        intervals = [labelled[clip.source, clip.path] for clip in store.clips]
        firsts = [
            np.arange(0, max(count - fit.window + 1, 0), fit.stride) for count in store.n_frames
        ]
        length = (fit.window - 1) * feature.hop_length + _frame_length(feature)
        labels = [
            window_labels(spans, first * feature.hop_length, length, feature.sample_rate)
            for spans, first in zip(intervals, firsts, strict=True)
        ]
        clip = np.repeat(np.arange(len(firsts)), [len(first) for first in firsts])
        windows = cls(
            clip,
            np.concatenate(firsts),
            np.concatenate(labels),
            _divide(clip, store.clips, fit),
            intervals,
        )
        for index, name in enumerate(PARTS):
            inside = windows.label[windows.part == index]
            if not len(inside) or (index < 2 and inside.min() == inside.max()):
                lacking = (
                    "recording"
                    if not len(inside)
                    else "window outside events"
                    if inside.min()
                    else "window inside an event"
                )
                raise DatasetError(
                    f"the {name} part has no {lacking}; give more recordings, or shorter windows by event_window"
                )
        return windows

    def of(self, part: str) -> npt.NDArray[np.intp]:
        """Return the indices of a part's windows."""
        return np.flatnonzero(self.part == PARTS.index(part))

    def gather(self, store: FeatureStore, indices: npt.NDArray[np.intp], window: int) -> Frames:
        """Return windows as they are in the store [shape=(n, window, n_bands)]."""
        starts = store.first_frame[self.clip[indices]] + self.first[indices]
        frames: Frames = store.frames[starts[:, np.newaxis] + np.arange(window)]
        return frames


def _frame_length(feature: Feature) -> int:
    if not isinstance(feature, BandSpectrum):
        raise DatasetError(
            "the feature store holds no band spectra; extract the features for events"
        )
    return feature.n_fft


def _divide(clip: npt.NDArray[np.int64], clips: list[Clip], fit: EventFit) -> npt.NDArray[np.int64]:
    """Return the part of every window."""
    bounds = np.cumsum(_SHARES[:2])
    if fit.division == "sequential":
        return np.searchsorted(bounds * len(clip), np.arange(len(clip)), side="right")
    names = sorted({one.recording for one in clips})
    if len(names) < len(PARTS):
        raise DatasetError(
            f"{len(names)} recording(s) cannot be divided into {', '.join(PARTS)}; give at least 3, or set event_division=sequential"
        )
    order = np.random.default_rng(fit.seed).permutation(len(names))
    # Every part gets a recording, however few there are.
    edges = [max(1, round(bounds[0] * len(names))), max(2, round(bounds[1] * len(names)))]
    edges = [min(edges[0], len(names) - 2), min(max(edges[1], edges[0] + 1), len(names) - 1)]
    part = {
        names[position]: int(np.searchsorted(edges, rank, side="right"))
        for rank, position in enumerate(order)
    }
    return np.array([part[one.recording] for one in clips], dtype=np.int64)[clip]


def build(fit: EventFit, n_bands: int) -> keras.Model:
    """Return the untrained network; the defaults on 48 bands give the 1,585 parameters of the
    field's teaching example.
    """
    given = keras.Input((fit.window, n_bands))
    values = given
    for count, stride in zip(fit.filters, fit.layer_strides, strict=True):
        values = keras.layers.Conv1D(count, fit.kernel, strides=stride, activation="relu")(values)
    values = keras.layers.Flatten()(values)
    if fit.dropout:
        values = keras.layers.Dropout(fit.dropout)(values)
    return keras.Model(given, keras.layers.Dense(1, activation="sigmoid")(values))


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
    windows = Windows.cut(store, table, fit)
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
    drawn = _more_places(store, windows, table, fit) if fit.augmentation else windows
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
        callbacks=[_Progress(fit.epochs)],
    )
    description: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "versions": versions(),
        "window": fit.window,
        "stride": fit.stride,
        "mean": mean,
        "deviation": deviation,
        "labels": _labels(table, fit),
        "decoder": asdict(_decoder(windows, fit, store.feature)),
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
        write_json(temporary / "model.json", description)
        # A threshold for either network: what int8 answers is not quite what float answers.
        for name in NETWORKS:
            detector = EventDetector.open(temporary, name)
            description["thresholds"][name] = calibrate(
                stretches_of(store, windows, "validation", detector), detector, fit.tolerance
            )
        write_json(temporary / "model.json", description)
    return EventTraining(curves, best, len(training), int(positives), network.count_params())


def stretches_of(
    store: FeatureStore, windows: Windows, part: str, detector: EventDetector
) -> list[Stretch]:
    """Score the windows of a part, recording by recording."""
    stretches = []
    indices = windows.of(part)
    for clip in np.unique(windows.clip[indices]):
        mine = indices[windows.clip[indices] == clip]
        first, last = windows.first[mine[0]], windows.first[mine[-1]]
        frames = np.array(store.clip_frames(clip)[first : last + detector.window])
        hop = detector.feature.hop_length / detector.feature.sample_rate
        start, end = float(first * hop), float(last * hop) + detector.window_seconds
        inside = [
            (max(a, start), min(b, end))
            for a, b in windows.intervals[clip]
            if min(b, end) - max(a, start) >= detector.window_seconds
        ]
        stretches.append(
            Stretch(
                store.clips[clip].path,
                start,
                end,
                windows.label[mine],
                detector.scores(frames),
                inside,
            )
        )
    return stretches


def _decoder(windows: Windows, fit: EventFit, feature: Feature) -> Decoder:
    """Return what the labels of the training recordings let expect of events."""
    hop = feature.hop_length / feature.sample_rate
    window, stride = (
        (fit.window - 1) * hop + _frame_length(feature) / feature.sample_rate,
        fit.stride * hop,
    )
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


def _more_places(
    store: FeatureStore, windows: Windows, table: list[Clip], fit: EventFit
) -> Windows:
    """Return windows a quarter of the stride apart, those of training in the same recordings as
    before.
    """
    stride = max(1, fit.stride // 4)
    if fit.division == "recording":
        return Windows.cut(store, table, replace(fit, stride=stride))
    # In order: only between the first and the last training window of a recording.
    finer = Windows.cut(store, table, replace(fit, stride=stride))
    part = np.full(len(finer.clip), PARTS.index("test"))
    training = windows.of("training")
    for clip in np.unique(windows.clip[training]):
        first = windows.first[training][windows.clip[training] == clip]
        part[(finer.clip == clip) & (finer.first >= first.min()) & (finer.first <= first.max())] = (
            PARTS.index("training")
        )
    return replace(finer, part=part)


class _Batches(Batches):
    """Batches of normalised windows with their labels; for training `count` of them per epoch, in
    random order.
    """

    def __init__(
        self,
        store: FeatureStore,
        windows: Windows,
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


class _Progress(keras.callbacks.Callback):
    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._bar = Bar("train events", epochs, unit="epoch")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        self._bar.advance(
            "  ".join(
                f"{name} {value:.4g}"
                for name, value in (logs or {}).items()
                if name.endswith("loss")
            )
        )

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:  # Keras's signature  # noqa: ARG002
        self._bar.close()
