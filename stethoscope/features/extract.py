"""From recordings to the feature store, in one pass: computed in parallel, written in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, groupby
from pathlib import Path
from typing import TypeVar

from stethoscope.datasets.alterations import alter
from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.clips import Clip
from stethoscope.errors import AudioError, DatasetError
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.progress import track
from stethoscope.sound.audio import Samples, load
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature, load_for_feature

T = TypeVar("T")
R = TypeVar("R")


def extract_features(
    archives: Sequence[Path],
    clips: Sequence[Clip],
    feature: Feature,
    folder: str | os.PathLike[str],
    *,
    min_frames: int = 1,
    workers: int | None = None,
) -> FeatureStore:
    """Compute the features of all clips and write them to a feature store.

    A recording that cannot be used is skipped and named in the store. Memory does not grow with the
    number of clips.

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
    workers : int, optional
        Threads; the processor count by default. Decoding and numpy release the interpreter lock.

    Returns
    -------
    FeatureStore

    Raises
    ------
    DatasetError
        If no recording can be used; the message gives the first reason.
    """
    workers = workers or os.cpu_count() or 1
    recordings = _recordings(archives, clips)
    with FeatureWriter(folder) as writer, ThreadPoolExecutor(workers) as pool:
        if not feature.sample_rate:
            feature, recordings = _native_rate(feature, recordings)

        def compute(
            recording: tuple[list[Clip], bytes | DatasetError],
        ) -> list[tuple[Clip, Frames | str]]:
            return list(_compute(feature, min_frames, *recording))

        results = _in_order(pool, compute, recordings, ahead=4 * workers)
        for clip, frames in track(chain.from_iterable(results), label="features", total=len(clips)):
            if isinstance(frames, str):
                writer.skip(clip, frames)
            else:
                writer.add(clip, frames)
        if not len(writer):
            reason = writer.skipped[0].reason if writer.skipped else "the table of clips is empty"
            raise DatasetError(f"none of {len(clips)} recordings can be used; the first: {reason}")
        writer.finish(feature)
    return FeatureStore.open(folder)


def _recordings(
    archives: Sequence[Path], clips: Sequence[Clip]
) -> Iterator[tuple[list[Clip], bytes | DatasetError]]:
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
    feature: Feature, recordings: Iterator[tuple[list[Clip], bytes | DatasetError]]
) -> tuple[Feature, Iterator[tuple[list[Clip], bytes | DatasetError]]]:
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
    feature: Feature, min_frames: int, clips: list[Clip], content: bytes | DatasetError
) -> Iterator[tuple[Clip, Frames | str]]:
    samples: Samples | str
    if isinstance(content, DatasetError):
        samples = str(content)
    else:
        try:
            samples = load_for_feature(content, feature, name=clips[0].path)
        except AudioError as error:
            samples = str(error)
    for clip in clips:
        yield (
            clip,
            samples if isinstance(samples, str) else _frames(feature, min_frames, clip, samples),
        )


def _frames(feature: Feature, min_frames: int, clip: Clip, samples: Samples) -> Frames | str:
    start = round(clip.start * feature.sample_rate)
    stop = round(clip.end * feature.sample_rate) or samples.shape[-1]
    cut = samples[..., start:stop]
    n_samples = cut.shape[-1]
    if n_samples == 0 or feature.n_frames(n_samples) < min_frames:
        seconds = n_samples / feature.sample_rate
        return (
            f"{clip.path}: {seconds:.3f} s are shorter than one window of {min_frames} frames;"
            " use longer clips or fewer feature_frames"
        )
    return feature.extract(alter(cut, clip))


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
