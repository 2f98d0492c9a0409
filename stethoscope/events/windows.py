"""The windows of labelled recordings: cut, labelled, divided into parts, and scored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.counts import count
from stethoscope.datasets.audacity import intervals_of
from stethoscope.datasets.background import BACKGROUND as NOISE
from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError
from stethoscope.events.metrics import Spans, Stretch
from stethoscope.events.model import EventDetector, class_label, window_labels, window_samples
from stethoscope.events.options import Division, EventFit
from stethoscope.features.store import FeatureStore
from stethoscope.options import split_list
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.definition import Frames

PARTS = ("training", "validation", "test")
"""What the labelled recordings are divided into."""

BACKGROUND = tuple(f"background-{part}" for part in PARTS)
"""What the recordings without events are divided into, those of ``event_background``."""

_FRACTIONS = (0.6, 0.2, 0.2)
_FINER = 4  # windows for augmented training lie closer by this factor

_Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledWindows:
    """All windows of a set of recordings, in order.

    Attributes
    ----------
    clip : np.ndarray of int [shape=(n_windows,)]
        Index of the window's recording in the store.
    first : np.ndarray of int [shape=(n_windows,)]
        Its first frame, counted from the recording's first.
    label : np.ndarray of float32 [shape=(n_windows, n_classes)]
        1 inside an event of the class, else 0.
    part : np.ndarray of int [shape=(n_windows,)]
        Index into `PARTS`, which `BACKGROUND` continues.
    intervals : list of list of list of (float, float)
        The events of every class in every recording, in seconds.
    classes : list of str
        The labels of the classes.
    """

    clip: _Integers
    first: _Integers
    label: npt.NDArray[np.float32]
    part: _Integers
    intervals: list[list[list[tuple[float, float]]]]
    classes: list[str]

    @classmethod
    def cut(cls, store: FeatureStore, table: list[Clip], fit: EventFit) -> Self:
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
        feature = band_spectrum_of(store)
        classes = event_classes(table, fit)
        labelled = [intervals_of(table, labels) for labels in classes]
        intervals = [[one[clip.source, clip.path] for clip in store.clips] for one in labelled]
        firsts = [
            np.arange(0, max(count - fit.window + 1, 0), fit.stride) for count in store.n_frames
        ]
        length = window_samples(feature, fit.window)
        labels = [
            np.concatenate(
                [
                    window_labels(spans, first * feature.hop_length, length, feature.sample_rate)
                    for spans, first in zip(one, firsts, strict=True)
                ]
            )
            for one in intervals
        ]
        clip = np.repeat(np.arange(len(firsts)), [len(first) for first in firsts])
        part = _divide_all(clip, store.clips, fit)
        names = [class_label(one) for one in classes]
        first = np.concatenate(firsts)
        windows = cls(clip, first, np.stack(labels, axis=1), part, intervals, names)
        windows._check_parts()
        return windows

    def _check_parts(self) -> None:
        for name in PARTS:
            if lacking := self._lacks(name):
                raise DatasetError(
                    f"the {name} part has no {lacking}; "
                    "give more recordings, or shorter windows by event_window"
                )

    def _lacks(self, part: str) -> str:
        """Return what a part lacks; empty for nothing."""
        chosen = self.label[self.of(part)]
        if not len(chosen):
            return "recording"
        if part == "test":
            return ""
        several = len(self.classes) > 1
        for label, labels in zip(self.classes, chosen.T, strict=True):
            if labels.min() == labels.max():
                lacking = "window outside events" if labels.min() else "window inside an event"
                return f"{lacking} of the class {label}" if several else lacking
        return ""

    def of(self, part: str) -> npt.NDArray[np.intp]:
        """Return the indices of the windows of a part of `PARTS` or `BACKGROUND`."""
        return np.flatnonzero(self.part == (*PARTS, *BACKGROUND).index(part))

    def gather(self, store: FeatureStore, indices: npt.NDArray[np.intp], window: int) -> Frames:
        """Return windows as they are in the store [shape=(n, window, n_bands)]."""
        starts = store.first_frame[self.clip[indices]] + self.first[indices]
        frames: Frames = store.frames[starts[:, np.newaxis] + np.arange(window)]
        return frames

    def finer(self, store: FeatureStore, table: list[Clip], fit: EventFit) -> Self:
        """Return windows at a quarter of the stride.

        Those for training come from the same stretches of the same recordings as here.
        """
        finer = self.cut(store, table, replace(fit, stride=max(1, fit.stride // _FINER)))
        if fit.division == "recording":
            return finer
        # Training windows lie only between the first and the last one of a recording.
        part = np.where(finer.part < len(PARTS), PARTS.index("test"), finer.part)
        training = self.of("training")
        for clip in np.unique(self.clip[training]):
            first = self.first[training][self.clip[training] == clip]
            inside = (finer.first >= first.min()) & (finer.first <= first.max())
            part[(finer.clip == clip) & inside] = PARTS.index("training")
        return replace(finer, part=part)


def event_labels(table: Sequence[Clip], fit: EventFit) -> list[str]:
    """Return the labels in the table that count as events."""
    wanted = set(split_list(fit.positive))
    labels = {clip.label for clip in table if clip.label}
    return sorted(labels & wanted if wanted else labels)


def event_classes(table: Sequence[Clip], fit: EventFit) -> list[list[str]]:
    """Return the labels of every class of events.

    Raises
    ------
    DatasetError
        If a label that is to be a class is not in the table.
    """
    labels = event_labels(table, fit)
    if fit.classes == "one":
        return [labels or split_list(fit.positive)]
    return [[one] for one in sorted(set(split_list(fit.positive))) or labels] or [[]]


def band_spectrum_of(store: FeatureStore) -> BandSpectrum:
    """Return the feature of a store of band spectra.

    Raises
    ------
    DatasetError
        If the store holds another feature.
    """
    if not isinstance(store.feature, BandSpectrum):
        raise DatasetError(
            "the feature store holds no band spectra; extract the features for events"
        )
    return store.feature


def score_part(
    store: FeatureStore, windows: LabelledWindows, part: str, detector: EventDetector
) -> list[list[Stretch]]:
    """Score the windows of a part; return the stretches of every class, a recording each."""
    indices = windows.of(part)
    scored = [
        _score_stretch(store, windows, indices[windows.clip[indices] == clip], detector)
        for clip in np.unique(windows.clip[indices])
    ]
    return _by_class(scored, detector)


def _by_class(scored: Sequence[Sequence[Stretch]], detector: EventDetector) -> list[list[Stretch]]:
    """Return the stretches of every class, from those of every recording."""
    return [[classes[index] for classes in scored] for index in range(len(detector.classes))]


def _score_stretch(
    store: FeatureStore,
    windows: LabelledWindows,
    indices: npt.NDArray[np.intp],
    detector: EventDetector,
) -> list[Stretch]:
    """Score consecutive windows of one recording, by class."""
    clip = int(windows.clip[indices[0]])
    first, last = windows.first[indices[0]], windows.first[indices[-1]]
    hop = detector.feature.hop_length / detector.feature.sample_rate
    start, end = float(first * hop), float(last * hop) + detector.window_seconds
    frames = store.clip_frames(clip)[first : last + detector.window]
    return [
        Stretch(
            path=store.clips[clip].path,
            start=start,
            end=end,
            labels=labels,
            scores=scores,
            truth=_clip_spans(intervals[clip], start, end, detector.window_seconds),
        )
        for labels, scores, intervals in zip(
            windows.label[indices].T, detector.scores(frames).T, windows.intervals, strict=True
        )
    ]


def _clip_spans(
    intervals: Spans, start: float, end: float, least: float
) -> list[tuple[float, float]]:
    """Return the parts of intervals between two times that last at least `least` seconds."""
    inside = [(max(a, start), min(b, end)) for a, b in intervals]
    return [(a, b) for a, b in inside if b - a >= least]


def _divide_all(clip: _Integers, clips: Sequence[Clip], fit: EventFit) -> _Integers:
    """Return the part of every window; recordings with events and background are divided apart."""
    is_background = np.array([one.condition == NOISE for one in clips], dtype=bool)[clip]
    part = np.empty(len(clip), dtype=np.int64)
    part[~is_background] = _divide(clip[~is_background], clips, fit)
    if is_background.any():
        backgrounds = clip[is_background]
        # A single long recording of a place is divided in time.
        few = len({clips[one].recording for one in np.unique(backgrounds)}) < len(PARTS)
        division: Division = "sequential" if few else "recording"
        divided = _divide(backgrounds, clips, replace(fit, division=division))
        part[is_background] = len(PARTS) + divided
    return part


def _divide(clip: _Integers, clips: Sequence[Clip], fit: EventFit) -> _Integers:
    """Return the part of every window."""
    bounds = np.cumsum(_FRACTIONS[:2])
    if fit.division == "sequential":
        return np.searchsorted(bounds * len(clip), np.arange(len(clip)), side="right")
    names = sorted({clips[one].recording for one in np.unique(clip)})
    if len(names) < len(PARTS):
        raise DatasetError(
            f"{count(len(names), 'recording')} cannot be divided into {', '.join(PARTS)}; "
            "give at least 3, or set event_division=sequential"
        )
    order = np.random.default_rng(fit.seed).permutation(len(names))
    # Every part gets a recording, however few there are.
    first, second = max(1, round(bounds[0] * len(names))), max(2, round(bounds[1] * len(names)))
    edges = [min(first, len(names) - 2), min(max(second, first + 1), len(names) - 1)]
    part = {
        names[position]: int(np.searchsorted(edges, rank, side="right"))
        for rank, position in enumerate(order)
    }
    return np.array([part.get(one.recording, 0) for one in clips], dtype=np.int64)[clip]
