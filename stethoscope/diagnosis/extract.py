"""Choose the clips of a diagnosis, and compute their features."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stethoscope.datasets.alterations import altered
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.splits import Cutting
from stethoscope.diagnosis.options import AUTOMATIC, FaultOptions
from stethoscope.errors import ParameterError
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.sound.mfcc import Mfcc

LEAST_CLIPS = 6
"""Anomalous clips from which on the number of groups can be chosen."""

_LEAST_NORMAL = 30


def extract_cepstra(
    archives: Sequence[Path],
    clips: Sequence[Clip],
    feature: Mfcc,
    folder: str | os.PathLike[str],
    options: FaultOptions,
    *,
    alterations: Sequence[str] = (),
    holdout_id: str = "",
    clip_seconds: float = 0.0,
) -> FeatureStore:
    """Compute the cepstral coefficients of the anomalous clips, and of normal ones beside them.

    Parameters
    ----------
    archives, clips, feature, folder
        As for :func:`~stethoscope.features.extract.extract_features`. The store has no clips if
        there is nothing to diagnose, and says why.
    options : FaultOptions
    alterations : sequence of str
        Altered versions of every clip, as for :func:`~stethoscope.datasets.alterations.altered`.
    holdout_id : str
        Machine id that is to be held out of the training.
    clip_seconds : float
        Length of the clips into which long recordings are cut, as for the detector; 0 cuts none.

    Raises
    ------
    ParameterError
        If no machine has that id.
    """
    chosen = clips_to_compare(clips, options)
    if not chosen:
        return _empty_store(clips, feature, folder, options)
    if holdout_id and not any(has_id(clip, holdout_id) for clip in chosen):
        known = ", ".join(sorted({clip.machine for clip in chosen}))
        raise ParameterError(f"fault_holdout_id is {holdout_id!r}; the set has {known}")
    cutting = Cutting.of(clips, clip_seconds)
    versions = altered(chosen, alterations)
    return extract_features(archives, versions, feature, folder, cutting=cutting)


def _empty_store(
    clips: Sequence[Clip], feature: Mfcc, folder: str | os.PathLike[str], options: FaultOptions
) -> FeatureStore:
    """Write a store that names the anomalous clips, and why they are not grouped."""
    anomalous = [clip for clip in clips if clip.condition == "anomaly" and not clip.augmentation]
    reason = reason_against_groups(anomalous, options)
    with FeatureWriter(folder) as writer:
        for clip in anomalous:
            writer.skip(clip, reason)
        writer.finish(feature)
    return FeatureStore.open(folder)


def has_id(clip: Clip, machine_id: str) -> bool:
    """Return whether a clip is of the machine with an id such as ``06`` or ``fan/06``."""
    return machine_id in (clip.machine_id, clip.machine)


def clips_to_compare(clips: Sequence[Clip], options: FaultOptions) -> list[Clip]:
    """Return the anomalous clips and normal ones of their machines, in the order of the table.

    Normal clips are drawn by recording, the same at every signal-to-noise ratio. If there is
    nothing to group, no clip is returned.
    """
    originals = [index for index, clip in enumerate(clips) if not clip.augmentation]
    anomalous = [index for index in originals if clips[index].condition == "anomaly"]
    if reason_against_groups([clips[index] for index in anomalous], options):
        return []
    normal = [index for index in originals if clips[index].condition == "normal"]
    chosen = {*anomalous, *_draw_normal(clips, normal, anomalous, options)}
    return [clips[index] for index in sorted(chosen)]


def reason_against_groups(anomalous: Sequence[Clip], options: FaultOptions) -> str:
    """Return why these anomalous clips are not grouped; empty if there are enough of them."""
    if options.groups == 0:
        return "fault_groups is 0: faults are not grouped"
    if not anomalous:
        return "no clip is anomalous"
    automatic = options.groups == AUTOMATIC
    if len(anomalous) >= (LEAST_CLIPS if automatic else options.groups):
        return ""
    wanted = (
        "a number of groups cannot be chosen by itself"
        if automatic
        else f"fault_groups is {options.groups}"
    )
    count = "1 clip is" if len(anomalous) == 1 else f"{len(anomalous)} clips are"
    return (
        f"only {count} anomalous, and {wanted}; record more, or set fault_groups to at most as many"
    )


def _draw_normal(
    clips: Sequence[Clip], normal: Sequence[int], anomalous: Sequence[int], options: FaultOptions
) -> list[int]:
    """Draw normal clips of each machine id and signal-to-noise ratio that has anomalous clips."""
    counts = Counter((clips[index].machine, clips[index].snr_db) for index in anomalous)
    names = sorted({clips[index].recording for index in normal})
    order = np.random.default_rng(options.seed).permutation(len(names)).tolist()
    rank = dict(zip(names, order, strict=True))
    taken: Counter[tuple[str, float | None]] = Counter()
    drawn = []
    for index in sorted(normal, key=lambda index: rank[clips[index].recording]):
        place = (clips[index].machine, clips[index].snr_db)
        most = _most_normal(options.normal_clips, counts[place])
        if place in counts and (most is None or taken[place] < most):
            taken[place] += 1
            drawn.append(index)
    return drawn


def _most_normal(normal_clips: int, anomalous: int) -> int | None:
    """Return the largest number of normal clips beside a number of anomalous ones; None for all."""
    if normal_clips == AUTOMATIC:
        return max(_LEAST_NORMAL, anomalous)
    return normal_clips or None
