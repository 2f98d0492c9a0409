"""From recordings to feature stores, in one pass: computed in parallel, written in order."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from operator import call
from pathlib import Path
from typing import TypeVar

import numpy as np

from stethoscope.datasets.alterations import alter
from stethoscope.datasets.archives import Reader, open_archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.playable import PlayableWriter
from stethoscope.datasets.splits import Cutting
from stethoscope.datasets.usage import mixed_lengths
from stethoscope.errors import AudioError, DatasetError
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.parallel import map_in_order
from stethoscope.progress import format_counts, track, warn
from stethoscope.sound.audio import Decoded, Samples, decode, load
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import (
    Feature,
    at_feature_rate,
    channels_for_feature,
    what_is_read,
)
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.measurement import Measurement, measure
from stethoscope.sound.parts import Interval, LongSource, equal_parts, is_long
from stethoscope.sound.suitability import MOST_USELESS, find_useless

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """A feature store that is to be written.

    Attributes
    ----------
    clips : sequence of Clip
        A clip's ``source`` is the name of an archive.
    feature : Feature
        With sample rate 0 all recordings are resampled to the rate of the first readable one.
    folder : path
        Where the store is written.
    min_frames : int
        Clips with fewer frames are skipped, because they are shorter than one window.
    padded : bool
        Whether clips may be extended by digital silence, as in many sets of labelled sounds.
    """

    clips: Sequence[Clip]
    feature: Feature
    folder: str | os.PathLike[str]
    min_frames: int = 1
    padded: bool = False


def extract_features(
    archives: Sequence[Path],
    clips: Sequence[Clip],
    feature: Feature,
    folder: str | os.PathLike[str],
    *,
    min_frames: int = 1,
    padded: bool = False,
    cutting: Cutting | None = None,
    workers: int | None = None,
) -> FeatureStore:
    """Compute the features of all clips and write them to a feature store.

    It is :func:`extract_together` for one store.

    Parameters
    ----------
    archives, cutting, workers
        As for :func:`extract_together`.
    clips, feature, folder, min_frames, padded
        As of :class:`Extraction`.

    Returns
    -------
    FeatureStore

    Raises
    ------
    DatasetError
        If no recording can be used, or more than half of the training recordings are useless.
    """
    extraction = Extraction(
        clips=clips, feature=feature, folder=folder, min_frames=min_frames, padded=padded
    )
    return extract_together(archives, [extraction], cutting=cutting, workers=workers)[0]


def extract_together(
    archives: Sequence[Path],
    extractions: Sequence[Extraction],
    *,
    cutting: Cutting | None = None,
    playable: PlayableWriter | None = None,
    workers: int | None = None,
) -> list[FeatureStore]:
    """Compute several features in one pass over the recordings, and write their stores.

    Every recording is read and decoded once. One that cannot be used is skipped and named in the
    stores. So is a useless one, such as digital silence. Memory grows neither with the number of
    clips nor with the length of recordings that are cut.

    Parameters
    ----------
    archives : sequence of Path
        Archives or folders.
    extractions : sequence of Extraction
        The stores. Warnings are given for the first one, which should have all recordings. One
        without clips becomes an empty store.
    cutting : Cutting, optional
        How long recordings are cut into clips. A recording of at least 1.5 times the length is cut
        into equal parts, and each is treated like a recording of its own. By default none is cut.
    playable : PlayableWriter, optional
        Keeps recordings of the first store's clips that a report may play.
    workers : int, optional
        Threads; the processor count by default. Reading, decoding and numpy release the
        interpreter lock.

    Returns
    -------
    list of FeatureStore
        In the order of the extractions.

    Raises
    ------
    DatasetError
        If no recording can be used for a store, or more than half of its training recordings are
        useless.
    """
    count = len({(clip.source, clip.path) for one in extractions for clip in one.clips})
    with ExitStack() as stack:
        stores: list[_Store] = []
        for one in extractions:
            writer = stack.enter_context(FeatureWriter(one.folder))
            stores.append(_Store(one, writer, cutting, None if stores else playable))
        recordings = _recordings(archives, stores, stack)
        decoding = _Jobs(cutting).of(recordings)
        results = stack.enter_context(closing(map_in_order(call, decoding, workers=workers)))
        # A long recording has many jobs; it counts once.
        by_recording = groupby(results, key=lambda done: done.recording)
        for _, jobs in track(by_recording, label="features", total=count, unit="recording"):
            for done in jobs:
                for store, clip, outcome in done.outcomes:
                    store.add(clip, outcome)
        for number, store in enumerate(stores):
            store.finish(warns=number == 0)
    return [FeatureStore.open(one.folder) for one in extractions]


@dataclass(frozen=True, slots=True)
class _Used:
    """The frames of a clip, what was measured of it, and its sound if it is to be played."""

    frames: Frames
    measured: Measurement
    sound: bytes = b""


@dataclass(frozen=True, slots=True)
class _Left:
    """Why a clip is left out, as in :class:`~stethoscope.datasets.clips.Skipped`."""

    reason: str
    kind: str = ""


_Outcome = _Used | _Left
_Content = Reader | Path
_Key = tuple[str, str, float]  # of a clip: source, path, start


class _Found:
    """What became of the clips, unaltered ones and their altered versions as one.

    Parameters
    ----------
    cutting : Cutting or None
        What to warn about; None to warn about neither lengths nor lone recordings.
    """

    def __init__(self, cutting: Cutting | None) -> None:
        self._cutting = cutting
        self._divided: dict[str, None] = {}
        self._n_used = 0
        self._training: set[_Key] = set()
        self._useless: dict[_Key, _Left] = {}
        self._cut_off: dict[str, None] = {}
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._first_reason = "the table of clips is empty"

    def add(self, clip: Clip, one: _Outcome) -> None:
        """Count a clip."""
        key = clip.source, clip.path, clip.start
        if clip.split == "train":
            self._training.add(key)
        if isinstance(one, _Left):
            if one.kind:
                self._useless[key] = one
            if not self._n_used:
                self._first_reason = one.reason
            return
        self._n_used += 1
        if one.measured.missing_seconds > 0:
            self._cut_off[clip.path] = None
        if clip.split == "train" and clip.condition == "normal":
            self._seconds[clip.machine_type].append(one.measured.seconds)
        lone, _ = (self._cutting.lone if self._cutting else {}).get(clip.machine, ("", False))
        if lone and clip.end and clip.condition == "normal" and clip.recording != lone:
            self._divided[clip.machine] = None

    def check(self, n_clips: int) -> None:
        """Refuse a set in which nothing is usable, or too much of the training part is useless."""
        if not self._n_used:
            raise DatasetError(
                f"none of {n_clips} recordings can be used; the first: {self._first_reason}"
            )
        useless = [one for key, one in self._useless.items() if key in self._training]
        if len(useless) > MOST_USELESS * len(self._training):
            raise DatasetError(
                f"{len(useless)} of {len(self._training)} training recordings are useless "
                f"({format_counts(one.kind for one in useless)}), more than "
                f"{MOST_USELESS:.0%}; the first: {useless[0].reason}"
            )

    def warn(self) -> None:
        """Warn about useless clips, which are left out, and about others, which are not."""
        if useless := list(self._useless.values()):
            warn(
                f"{len(useless)} recording(s) are useless and left out "
                f"({format_counts(one.kind for one in useless)}); the first: {useless[0].reason}"
            )
        if names := list(self._cut_off):
            warn(
                f"{len(names)} recording(s) are shorter than their headers say, the first is "
                f"{names[0]}; their ends are missing, copy them again"
            )
        for machine in self._divided:
            warn(
                f"{machine}: has a single normal recording to train on, so its beginning, middle "
                "and end stand for different recordings; expect more false alarms on other days, "
                "and record on several days"
            )
        for machine_type, seconds in self._seconds.items() if self._cutting else ():
            if warning := mixed_lengths(machine_type, seconds):
                warn(warning)


class _Part:
    """A decoded recording, or a part that was cut from it, with what several stores share.

    Parameters
    ----------
    decoded : Decoded
    name : str
        Of the recording.
    is_clip : bool
        Whether it is one clip as a whole; otherwise clips are intervals of it.
    """

    def __init__(self, decoded: Decoded, name: str, *, is_clip: bool) -> None:
        self.decoded = decoded
        self._name = name
        self._is_clip = is_clip
        self._samples: dict[object, tuple[Samples, Samples]] = {}
        self._measured: dict[object, Measurement] = {}

    def samples(self, feature: Feature) -> tuple[Samples, Samples]:
        """Return the samples for a feature as they are, and at its rate.

        Raises
        ------
        AudioError
            If a channel does not exist.
        """
        key = what_is_read(feature)
        if key not in self._samples:
            native = channels_for_feature(self.decoded, feature, name=self._name)
            resampled = at_feature_rate(native, self.decoded.sample_rate, feature)
            self._samples[key] = native, resampled
        return self._samples[key]

    def clip(self, feature: Feature, clip: Clip) -> tuple[Samples, Samples]:
        """Return the samples of a clip: of the first channel as they are, and for a feature."""
        native, samples = self.samples(feature)
        if self._is_clip:
            return native[0], samples
        rate = self.decoded.sample_rate
        return _cut(native[0], rate, clip), _cut(samples, feature.sample_rate, clip)

    def measured(self, feature: Feature, clip: Clip, native: Samples) -> Measurement:
        """Return what is measured of the samples of a clip as they are."""
        key = (what_is_read(feature).channel, clip.start, clip.end)
        if key not in self._measured:
            self._measured[key] = measure(native, self.decoded.sample_rate, self.decoded)
        return self._measured[key]


class _Store:
    """A feature store that is being written; clips are computed in any thread, added in one."""

    def __init__(
        self,
        extraction: Extraction,
        writer: FeatureWriter,
        cutting: Cutting | None,
        playable: PlayableWriter | None,
    ) -> None:
        self.clips = extraction.clips
        self.feature = extraction.feature
        self._extraction = extraction
        self._writer = writer
        self._playable = playable
        self._found = _Found(cutting if isinstance(self.feature, LogMel) else None)

    def compute(self, clip: Clip, part: _Part) -> _Outcome:
        """Compute the feature of a clip, unless it is useless or too short."""
        feature = self.feature
        native, samples = part.clip(feature, clip)
        measured = part.measured(feature, clip, native) if len(native) else None
        padded = self._extraction.padded
        if measured and (useless := find_useless(measured, padded=padded)):
            return _Left(f"{_name(clip)}: {useless.message}", useless.reason)
        n_samples, least = samples.shape[-1], self._extraction.min_frames
        if measured is None or not n_samples or feature.n_frames(n_samples) < least:
            seconds = n_samples / feature.sample_rate
            return _Left(
                f"{_name(clip)}: {seconds:.3f} s are shorter than one window of {least} "
                "frames; use longer clips or fewer feature_frames"
            )
        frames = feature.extract(alter(samples, clip))
        if not np.isfinite(frames).all():
            text = f"{_name(clip)}: its feature is not finite; record it again"
            return _Left(text, "not_finite")
        if isinstance(feature, LogMel):
            measured = measured.with_bands(frames[:, : feature.n_mels])
        sound = b""
        if self._playable:
            sound = self._playable.encode(clip, native, part.decoded.sample_rate)
        return _Used(frames, measured, sound)

    def add(self, clip: Clip, one: _Outcome) -> None:
        """Add a computed clip, or note why it is left out."""
        self._found.add(clip, one)
        if isinstance(one, _Left):
            self._writer.skip(clip, one.reason, one.kind)
            return
        self._writer.add(clip, one.frames, one.measured)
        if self._playable and one.sound:
            self._playable.add(clip, one.sound)

    def finish(self, *, warns: bool) -> None:
        """Check and, if wanted, warn about what became of the clips, and complete the store."""
        if self.clips:
            self._found.check(len(self.clips))
        if warns:
            self._found.warn()
        self._writer.finish(self.feature)


_Work = list[tuple[_Store, list[Clip]]]
"""The stores that need a recording, with the clips that each takes from it."""


@dataclass(frozen=True)
class _Done:
    """What became of clips of a recording, which is given by source and path."""

    recording: tuple[str, str]
    outcomes: list[tuple[_Store, Clip, _Outcome]]


_Job = Callable[[], _Done]


def _recordings(
    archives: Sequence[Path], stores: Sequence[_Store], stack: ExitStack
) -> Iterator[tuple[_Work, _Content]]:
    """Yield the clips of each recording with what reads it, in one pass over each archive.

    The archives stay open until `stack` is closed.
    """
    for path in archives:
        by_path: defaultdict[str, _Work] = defaultdict(list)
        for store in stores:
            ours = (clip for clip in store.clips if clip.source == path.name)
            for name, group in groupby(sorted(ours, key=_path_of), key=_path_of):
                by_path[name].append((store, list(group)))
        archive = stack.enter_context(open_archive(path))
        for name, content in archive.stream_readers(by_path):
            yield by_path[name], content


def _path_of(clip: Clip) -> str:
    return clip.path


def _rate(content: _Content) -> int:
    """Return the sample rate of a readable recording, of a file by its header alone."""
    if not isinstance(content, Path):
        return load(content())[1]
    with LongSource(content) as source:
        return source.sample_rate


@dataclass(frozen=True)
class _Jobs:
    """How recordings are divided into jobs, which run in any thread."""

    cutting: Cutting | None

    def of(self, recordings: Iterable[tuple[_Work, _Content]]) -> Iterator[_Job]:
        """Yield a job for each recording, and for each clip of a large one."""
        for work, content in recordings:
            _set_rates(work, content)
            if isinstance(content, Path):
                yield from self._of_file(work, content)
            else:
                yield partial(self._recording, work, content)

    def _of_file(self, work: _Work, path: Path) -> Iterator[_Job]:
        """Yield a job for each clip of a long recording, which is read clip by clip."""
        name = _path_of(work[0][1][0])
        try:
            with LongSource(path, name=name) as source:
                intervals = self._intervals(work, source.n_samples, source.sample_rate)
                if not intervals:
                    yield partial(self._decoded, work, source.whole())
                    return
                rows = self._rows(work, intervals, source.sample_rate)
                for number, (_, decoded) in enumerate(source.read(intervals)):
                    part = _Part(decoded, name, is_clip=True)
                    yield partial(_compute, [(rows[number], part)])
        except AudioError as error:
            yield partial(_leave, work, error)

    def _recording(self, work: _Work, read: Reader) -> _Done:
        try:
            return self._decoded(work, decode(read(), name=_path_of(work[0][1][0])))
        except (AudioError, DatasetError) as error:
            return _leave(work, error)

    def _decoded(self, work: _Work, decoded: Decoded) -> _Done:
        """Compute the clips of a recording that is decoded as a whole."""
        n_samples, rate = decoded.samples.shape[1], decoded.sample_rate
        name = _path_of(work[0][1][0])
        intervals = self._intervals(work, n_samples, rate)
        if not intervals:
            return _compute([(work, _Part(decoded, name, is_clip=False))])
        parts = (
            replace(
                decoded,
                samples=decoded.samples[:, start:stop],
                missing_seconds=decoded.missing_seconds if stop == n_samples else 0.0,
            )
            for start, stop in intervals
        )
        rows = self._rows(work, intervals, rate)
        return _compute(
            (row, _Part(part, name, is_clip=True)) for row, part in zip(rows, parts, strict=True)
        )

    def _intervals(self, work: _Work, n_samples: int, rate: int) -> list[Interval]:
        """Return where a recording is cut; nothing for a short one, or one with labels in it."""
        seconds = self.cutting.seconds if self.cutting else 0.0
        labelled = any(clip.end for _, clips in work for clip in clips)
        if labelled or not is_long(n_samples / rate, seconds):
            return []
        return equal_parts(n_samples, rate, seconds)

    def _rows(self, work: _Work, intervals: Sequence[Interval], rate: int) -> list[_Work]:
        """Return the clips of each interval: for each store one, and its altered versions."""
        assert self.cutting is not None  # noqa: S101  # nothing is cut without it
        times = [(start / rate, stop / rate) for start, stop in intervals]
        cut = [(store, [self.cutting.cut(clip, times) for clip in clips]) for store, clips in work]
        return [
            [(store, [parts[number] for parts in clips]) for store, clips in cut]
            for number in range(len(times))
        ]


def _set_rates(work: _Work, content: _Content) -> None:
    """Set the sample rates that are still open to that of this recording, if it is readable."""
    waiting = [store for store, _ in work if not store.feature.sample_rate]
    if waiting:
        with suppress(AudioError, DatasetError):
            rate = _rate(content)
            for store in waiting:
                store.feature = store.feature.at_rate(rate)


def _compute(parts: Iterable[tuple[_Work, _Part]]) -> _Done:
    """Compute clips, each of a decoded recording or of a part of one."""
    outcomes: list[tuple[_Store, Clip, _Outcome]] = []
    recording = ("", "")
    for work, part in parts:
        for store, clips in work:
            recording = clips[0].source, clips[0].path
            try:
                part.samples(store.feature)
            except AudioError as error:
                outcomes += [(store, clip, _Left(str(error))) for clip in clips]
            else:
                outcomes += [(store, clip, store.compute(clip, part)) for clip in clips]
    return _Done(recording, outcomes)


def _leave(work: _Work, error: AudioError | DatasetError) -> _Done:
    first = work[0][1][0]
    left = _Left(str(error))
    return _Done(
        (first.source, first.path), [(store, clip, left) for store, clips in work for clip in clips]
    )


def _name(clip: Clip) -> str:
    return f"{clip.path} at {clip.start:.1f} s" if clip.start else clip.path


def _cut(samples: Samples, sample_rate: int, clip: Clip) -> Samples:
    start = round(clip.start * sample_rate)
    stop = round(clip.end * sample_rate) or samples.shape[-1]
    return samples[..., start:stop]
