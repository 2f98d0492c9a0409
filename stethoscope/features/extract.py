"""From recordings to feature stores, in one pass: computed in parallel, written in order."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import groupby
from operator import attrgetter, call
from pathlib import Path

from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.playable import PlayableWriter
from stethoscope.datasets.splits import Cutting
from stethoscope.features.jobs import Content, Jobs, Work
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.features.target import Extraction as Extraction
from stethoscope.features.target import Target
from stethoscope.parallel import map_in_order
from stethoscope.progress import track
from stethoscope.sound.feature import Feature

_path_of = attrgetter("path")


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
        stores: list[Target] = []
        for one in extractions:
            writer = stack.enter_context(FeatureWriter(one.folder))
            stores.append(Target(one, writer, cutting, None if stores else playable))
        recordings = _recordings(archives, stores, stack)
        decoding = Jobs(cutting).of(recordings)
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


def _recordings(
    archives: Sequence[Path], stores: Sequence[Target], stack: ExitStack
) -> Iterator[tuple[Work, Content]]:
    """Yield the clips of each recording with what reads it, in one pass over each archive.

    The archives stay open until `stack` is closed.
    """
    for path in archives:
        by_path: defaultdict[str, Work] = defaultdict(list)
        for store in stores:
            ours = (clip for clip in store.clips if clip.source == path.name)
            for name, group in groupby(sorted(ours, key=_path_of), key=_path_of):
                by_path[name].append((store, list(group)))
        archive = stack.enter_context(open_archive(path))
        for name, content in archive.stream_readers(by_path):
            yield by_path[name], content
