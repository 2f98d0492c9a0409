"""From recordings to the feature store, in one pass: computed in parallel, written in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import TypeVar

import numpy as np

from stethoscope.datasets.alterations import alter
from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.clips import Clip, Skipped
from stethoscope.errors import AudioError, DatasetError
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.progress import format_counts, track, warn
from stethoscope.sound.audio import Samples, decode, load
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature, at_feature_rate, channels_for_feature
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.measurement import Measurement, measure
from stethoscope.sound.suitability import MOST_USELESS, find_useless

T = TypeVar("T")
R = TypeVar("R")


def extract_features(
    archives: Sequence[Path],
    clips: Sequence[Clip],
    feature: Feature,
    folder: str | os.PathLike[str],
    *,
    min_frames: int = 1,
    padded: bool = False,
    workers: int | None = None,
) -> FeatureStore:
    """Compute the features of all clips and write them to a feature store.

    A recording that cannot be used is skipped and named in the store. So is a useless one, such as
    digital silence. Memory does not grow with the number of clips.

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
    with FeatureWriter(folder) as writer, ThreadPoolExecutor(workers) as pool:
        if not feature.sample_rate:
            feature, recordings = _native_rate(feature, recordings)

        def compute(recording: _Recording) -> list[_Computed]:
            return list(_compute(feature, min_frames, padded, *recording))

        results = _in_order(pool, compute, recordings, ahead=4 * workers)
        cut_off: list[str] = []
        for clip, one in track(chain.from_iterable(results), label="features", total=len(clips)):
            if isinstance(one, _Left):
                writer.skip(clip, one.reason, one.kind)
            else:
                writer.add(clip, one.frames, one.measured)
                cut_off += [clip.path] * (one.measured.missing_seconds > 0)
        _check(writer, clips)
        _warn(writer.skipped, cut_off)
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


_Recording = tuple[list[Clip], bytes | DatasetError]
_Computed = tuple[Clip, _Used | _Left]


def _check(writer: FeatureWriter, clips: Sequence[Clip]) -> None:
    """Refuse a set in which nothing is usable, or too much of the training part is useless."""
    if not len(writer):
        reason = writer.skipped[0].reason if writer.skipped else "the table of clips is empty"
        raise DatasetError(f"none of {len(clips)} recordings can be used; the first: {reason}")
    training = {(clip.source, clip.path) for clip in clips if clip.split == "train"}
    useless = {place: one for place, one in _useless(writer.skipped).items() if place in training}
    if len(useless) > MOST_USELESS * len(training):
        first = next(iter(useless.values())).reason
        raise DatasetError(
            f"{len(useless)} of {len(training)} training recordings are useless "
            f"({format_counts(one.kind for one in useless.values())}), more than "
            f"{MOST_USELESS:.0%}; the first: {first}"
        )


def _warn(skipped: Sequence[Skipped], cut_off: Sequence[str]) -> None:
    """Warn about useless recordings, which are left out, and about cut off ones, which are not."""
    if useless := list(_useless(skipped).values()):
        warn(
            f"{len(useless)} recording(s) are useless and left out "
            f"({format_counts(one.kind for one in useless)}); the first: {useless[0].reason}"
        )
    if names := list(dict.fromkeys(cut_off)):
        warn(
            f"{len(names)} recording(s) are shorter than their headers say, the first is "
            f"{names[0]}; their ends are missing, copy them again"
        )


def _useless(skipped: Iterable[Skipped]) -> dict[tuple[str, str], Skipped]:
    """Return the useless recordings by source and path."""
    return {(one.source, one.path): one for one in skipped if one.kind}


def _recordings(archives: Sequence[Path], clips: Sequence[Clip]) -> Iterator[_Recording]:
    """Yield the clips of each recording with its bytes, in one pass over each archive."""
    for path in archives:
        ours = sorted(
            (clip for clip in clips if clip.source == path.name), key=lambda clip: clip.path
        )
        by_path = {name: list(group) for name, group in groupby(ours, key=lambda clip: clip.path)}
        with open_archive(path) as archive:
            for name, content in archive.stream(by_path):
                yield by_path[name], content


def _native_rate(
    feature: Feature, recordings: Iterator[_Recording]
) -> tuple[Feature, Iterator[_Recording]]:
    """Set the sample rate to that of the first readable recording; return all recordings again."""
    seen = []
    for clips, content in recordings:
        seen.append((clips, content))
        if isinstance(content, bytes):
            try:
                _, rate = load(content)
            except AudioError:
                continue
            feature = feature.at_rate(rate)
            break
    return feature, chain(seen, recordings)


def _compute(
    feature: Feature,
    min_frames: int,
    padded: bool,
    clips: list[Clip],
    content: bytes | DatasetError,
) -> Iterator[_Computed]:
    try:
        if isinstance(content, DatasetError):
            raise content
        name = clips[0].path
        decoded = decode(content, name=name)
        native = channels_for_feature(decoded, feature, name=name)
        samples = at_feature_rate(native, decoded.sample_rate, feature)
    except (AudioError, DatasetError) as error:
        yield from ((clip, _Left(str(error))) for clip in clips)
        return
    for clip in clips:
        cut = _cut(native[0], decoded.sample_rate, clip)
        measured = measure(cut, decoded.sample_rate, decoded) if len(cut) else None
        useless = find_useless(measured, padded=padded) if measured else None
        if useless:
            yield clip, _Left(f"{clip.path}: {useless.message}", useless.reason)
        else:
            yield clip, _frames(feature, min_frames, clip, samples, measured)


def _cut(samples: Samples, sample_rate: int, clip: Clip) -> Samples:
    start = round(clip.start * sample_rate)
    stop = round(clip.end * sample_rate) or samples.shape[-1]
    return samples[..., start:stop]


def _frames(
    feature: Feature,
    min_frames: int,
    clip: Clip,
    samples: Samples,
    measured: Measurement | None,
) -> _Used | _Left:
    cut = _cut(samples, feature.sample_rate, clip)
    n_samples = cut.shape[-1]
    if measured is None or n_samples == 0 or feature.n_frames(n_samples) < min_frames:
        seconds = n_samples / feature.sample_rate
        return _Left(
            f"{clip.path}: {seconds:.3f} s are shorter than one window of {min_frames} frames;"
            " use longer clips or fewer feature_frames"
        )
    frames = feature.extract(alter(cut, clip))
    if not np.isfinite(frames).all():
        return _Left(f"{clip.path}: its feature is not finite; record it again", "not_finite")
    if isinstance(feature, LogMel):
        measured = measured.with_bands(frames[:, : feature.n_mels])
    return _Used(frames, measured)


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T], *, ahead: int
) -> Iterator[R]:
    """Map in parallel and in order, with at most `ahead` items waiting.

    ``pool.map`` would read the whole archive at once.
    """
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
