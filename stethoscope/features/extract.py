"""From recordings to the feature store, in one pass: computed in parallel, written in order."""

import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import TypeVar

import numpy as np

from stethoscope.datasets.alterations import alter
from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.splits import Cutting
from stethoscope.datasets.usage import mixed_lengths
from stethoscope.errors import AudioError, DatasetError
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.progress import format_counts, track, warn
from stethoscope.sound.audio import Decoded, Samples, decode, load
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature, at_feature_rate, channels_for_feature
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.measurement import Measurement, measure
from stethoscope.sound.parts import Interval, LongSource, equal_parts, is_long
from stethoscope.sound.suitability import MOST_USELESS, find_useless

R = TypeVar("R")


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

    A recording that cannot be used is skipped and named in the store. So is a useless one, such as
    digital silence. Memory grows neither with the number of clips nor with the length of
    recordings that are cut.

    Parameters
    ----------
    archives : sequence of Path
        Archives or folders; a clip's ``source`` is the name of one of them.
    clips : sequence of Clip
    feature : Feature
        With sample rate 0 all recordings are resampled to the rate of the first readable one.
    folder : path
        Where the store is written.
    min_frames : int
        Clips with fewer frames are skipped, because they are shorter than one window.
    padded : bool
        Whether clips may be extended by digital silence, as in many sets of labelled sounds.
    cutting : Cutting, optional
        How long recordings are cut into clips. A recording of at least 1.5 times the length is cut
        into equal parts, and each is treated like a recording of its own. By default none is cut.
    workers : int, optional
        Threads; the processor count by default. Decoding and numpy release the interpreter lock.

    Returns
    -------
    FeatureStore

    Raises
    ------
    DatasetError
        If no recording can be used, or more than half of the training recordings are useless.
    """
    workers = workers or os.cpu_count() or 1
    recordings = _recordings(archives, clips)
    count = len({(clip.source, clip.path) for clip in clips})
    with FeatureWriter(folder) as writer, ThreadPoolExecutor(workers) as pool:
        if not feature.sample_rate:
            feature, recordings = _native_rate(feature, recordings)
        steps = _Steps(feature, min_frames, padded, cutting)
        found = _Found(cutting if isinstance(feature, LogMel) else None)
        results = chain.from_iterable(_in_order(pool, steps.jobs(recordings), ahead=4 * workers))
        # A long recording has many jobs; it counts once.
        by_recording = groupby(results, key=lambda pair: (pair[0].source, pair[0].path))
        for _, computed in track(by_recording, label="features", total=count, unit="recording"):
            for clip, one in computed:
                found.add(clip, one)
                if isinstance(one, _Left):
                    writer.skip(clip, one.reason, one.kind)
                else:
                    writer.add(clip, one.frames, one.measured)
        found.check(len(clips))
        found.warn()
        writer.finish(feature)
    return FeatureStore.open(folder)


@dataclass(frozen=True, slots=True)
class _Used:
    """The frames of a clip, and what was measured of it."""

    frames: Frames
    measured: Measurement


@dataclass(frozen=True, slots=True)
class _Left:
    """Why a clip is left out, as in :class:`~stethoscope.datasets.clips.Skipped`."""

    reason: str
    kind: str = ""


_Content = bytes | Path | DatasetError
_Recording = tuple[list[Clip], _Content]
_Computed = list[tuple[Clip, _Used | _Left]]
_Job = Callable[[], _Computed]
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

    def add(self, clip: Clip, one: _Used | _Left) -> None:
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


def _recordings(archives: Sequence[Path], clips: Sequence[Clip]) -> Iterator[_Recording]:
    """Yield the clips of each recording with its bytes, in one pass over each archive."""
    for path in archives:
        ours = sorted(
            (clip for clip in clips if clip.source == path.name), key=lambda clip: clip.path
        )
        by_path = {name: list(group) for name, group in groupby(ours, key=lambda clip: clip.path)}
        with open_archive(path) as archive:
            for name, content in archive.stream_files(by_path):
                yield by_path[name], content


def _native_rate(
    feature: Feature, recordings: Iterator[_Recording]
) -> tuple[Feature, Iterator[_Recording]]:
    """Set the sample rate to that of the first readable recording; return all recordings again."""
    seen = []
    for clips, content in recordings:
        seen.append((clips, content))
        if not isinstance(content, DatasetError):
            try:
                rate = _rate(content)
            except AudioError:
                continue
            feature = feature.at_rate(rate)
            break
    return feature, chain(seen, recordings)


def _rate(content: bytes | Path) -> int:
    """Return the sample rate of a readable recording, of a file by its header alone."""
    if isinstance(content, bytes):
        return load(content)[1]
    with LongSource(content) as source:
        return source.sample_rate


@dataclass(frozen=True)
class _Steps:
    """How the features of clips are computed; the jobs run in any thread."""

    feature: Feature
    min_frames: int
    padded: bool
    cutting: Cutting | None

    def jobs(self, recordings: Iterable[_Recording]) -> Iterator[_Job]:
        """Yield a job for each recording, and for each clip of a large one."""
        for clips, content in recordings:
            try:
                if isinstance(content, DatasetError):
                    raise content
                if isinstance(content, Path):
                    yield from self._jobs_of_file(clips, content)
                else:
                    yield partial(self._recording, clips, content)
            except (AudioError, DatasetError) as error:
                yield partial(_leave, clips, error)

    def _jobs_of_file(self, clips: list[Clip], path: Path) -> Iterator[_Job]:
        """Yield a job for each clip of a long recording, which is read clip by clip."""
        with LongSource(path, name=clips[0].path) as source:
            intervals = self._intervals(clips, source.n_samples, source.sample_rate)
            if not intervals:
                yield partial(self._decoded, clips, source.whole())
                return
            rows = self._rows(clips, intervals, source.sample_rate)
            for number, (_, part) in enumerate(source.read(intervals)):
                yield partial(self._parts, [(rows[number], part)])

    def _recording(self, clips: list[Clip], content: bytes) -> _Computed:
        try:
            return self._decoded(clips, decode(content, name=clips[0].path))
        except AudioError as error:
            return _leave(clips, error)

    def _decoded(self, clips: list[Clip], decoded: Decoded) -> _Computed:
        """Compute the clips of a recording that is decoded as a whole."""
        n_samples, rate = decoded.samples.shape[1], decoded.sample_rate
        intervals = self._intervals(clips, n_samples, rate)
        if intervals:
            rows = self._rows(clips, intervals, rate)
            parts = [
                replace(
                    decoded,
                    samples=decoded.samples[:, start:stop],
                    missing_seconds=decoded.missing_seconds if stop == n_samples else 0.0,
                )
                for start, stop in intervals
            ]
            return self._parts(zip(rows, parts, strict=True))
        try:
            native, samples = self._samples(clips, decoded)
        except AudioError as error:
            return _leave(clips, error)
        return [
            (
                clip,
                self._clip(
                    clip,
                    _cut(native[0], rate, clip),
                    _cut(samples, self.feature.sample_rate, clip),
                    decoded,
                ),
            )
            for clip in clips
        ]

    def _parts(self, parts: Iterable[tuple[list[Clip], Decoded]]) -> _Computed:
        """Compute clips that were cut from a long recording, each like a file of its own."""
        computed: _Computed = []
        for clips, part in parts:
            try:
                native, samples = self._samples(clips, part)
            except AudioError as error:
                computed += _leave(clips, error)
                continue
            computed += [(clip, self._clip(clip, native[0], samples, part)) for clip in clips]
        return computed

    def _intervals(self, clips: list[Clip], n_samples: int, rate: int) -> list[Interval]:
        """Return where a recording is cut; nothing for a short one, or one with labels in it."""
        seconds = self.cutting.seconds if self.cutting else 0.0
        if not is_long(n_samples / rate, seconds) or any(clip.end for clip in clips):
            return []
        return equal_parts(n_samples, rate, seconds)

    def _rows(
        self, clips: list[Clip], intervals: Sequence[Interval], rate: int
    ) -> list[list[Clip]]:
        """Return the clips of each interval: one, and its altered versions."""
        assert self.cutting is not None  # noqa: S101  # nothing is cut without it
        times = [(start / rate, stop / rate) for start, stop in intervals]
        return [list(row) for row in zip(*(self.cutting.cut(c, times) for c in clips), strict=True)]

    def _samples(self, clips: list[Clip], decoded: Decoded) -> tuple[Samples, Samples]:
        """Return the samples of a recording as they are, and for the feature."""
        native = channels_for_feature(decoded, self.feature, name=clips[0].path)
        return native, at_feature_rate(native, decoded.sample_rate, self.feature)

    def _clip(
        self, clip: Clip, native: Samples, samples: Samples, decoded: Decoded
    ) -> _Used | _Left:
        """Compute the feature of a clip, unless it is useless or too short."""
        measured = measure(native, decoded.sample_rate, decoded) if len(native) else None
        useless = find_useless(measured, padded=self.padded) if measured else None
        if useless:
            return _Left(f"{_name(clip)}: {useless.message}", useless.reason)
        n_samples = samples.shape[-1]
        if measured is None or not n_samples or self.feature.n_frames(n_samples) < self.min_frames:
            seconds = n_samples / self.feature.sample_rate
            return _Left(
                f"{_name(clip)}: {seconds:.3f} s are shorter than one window of {self.min_frames} "
                "frames; use longer clips or fewer feature_frames"
            )
        frames = self.feature.extract(alter(samples, clip))
        if not np.isfinite(frames).all():
            text = f"{_name(clip)}: its feature is not finite; record it again"
            return _Left(text, "not_finite")
        if isinstance(self.feature, LogMel):
            measured = measured.with_bands(frames[:, : self.feature.n_mels])
        return _Used(frames, measured)


def _leave(clips: Iterable[Clip], error: AudioError | DatasetError) -> _Computed:
    return [(clip, _Left(str(error))) for clip in clips]


def _name(clip: Clip) -> str:
    return f"{clip.path} at {clip.start:.1f} s" if clip.start else clip.path


def _cut(samples: Samples, sample_rate: int, clip: Clip) -> Samples:
    start = round(clip.start * sample_rate)
    stop = round(clip.end * sample_rate) or samples.shape[-1]
    return samples[..., start:stop]


def _in_order(
    pool: ThreadPoolExecutor, jobs: Iterable[Callable[[], R]], *, ahead: int
) -> Iterator[R]:
    """Do jobs in parallel and yield their results in order, with at most `ahead` jobs waiting.

    ``pool.map`` would read the whole archive at once.
    """
    waiting: deque[Future[R]] = deque()
    for job in jobs:
        waiting.append(pool.submit(job))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
