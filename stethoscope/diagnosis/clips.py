"""The clips of a diagnosis."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from stethoscope.datasets.clips import Clip
from stethoscope.diagnosis.options import AUTOMATIC, FaultOptions

LEAST_CLIPS = 6
"""Anomalous clips from which on the number of groups can be chosen."""

_LEAST_NORMAL = 30


def has_id(clip: Clip, machine_id: str) -> bool:
    """Return whether a clip is of the machine with an id such as ``06`` or ``fan/06``."""
    return machine_id in (clip.machine_id, clip.machine)


def clips_to_compare(
    clips: Sequence[Clip], *, normal_clips: int = AUTOMATIC, seed: int = 0
) -> list[Clip]:
    """Return the anomalous clips and normal ones of their machines, in the order of the table.

    Normal clips are drawn by recording, the same at every signal-to-noise ratio. If no clip is
    anomalous, no clip is returned.

    Parameters
    ----------
    clips : sequence of Clip
    normal_clips, seed : int
        As in :class:`~stethoscope.diagnosis.options.FaultOptions`.
    """
    originals = [index for index, clip in enumerate(clips) if not clip.augmentation]
    anomalous = [index for index in originals if clips[index].condition == "anomaly"]
    normal = [index for index in originals if clips[index].condition == "normal"]
    drawn = _draw_normal(clips, normal, anomalous, normal_clips, seed)
    return [clips[index] for index in sorted({*anomalous, *drawn})]


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
    clips: Sequence[Clip],
    normal: Sequence[int],
    anomalous: Sequence[int],
    normal_clips: int,
    seed: int,
) -> list[int]:
    """Draw normal clips of each machine id and signal-to-noise ratio that has anomalous clips."""
    counts = Counter((clips[index].machine, clips[index].snr_db) for index in anomalous)
    names = sorted({clips[index].recording for index in normal})
    order = np.random.default_rng(seed).permutation(len(names)).tolist()
    rank = dict(zip(names, order, strict=True))
    taken: Counter[tuple[str, float | None]] = Counter()
    drawn = []
    for index in sorted(normal, key=lambda index: rank[clips[index].recording]):
        place = (clips[index].machine, clips[index].snr_db)
        most = _most_normal(normal_clips, counts[place])
        if place in counts and (most is None or taken[place] < most):
            taken[place] += 1
            drawn.append(index)
    return drawn


def _most_normal(normal_clips: int, anomalous: int) -> int | None:
    """Return the largest number of normal clips beside a number of anomalous ones; None for all."""
    if normal_clips == AUTOMATIC:
        return max(_LEAST_NORMAL, anomalous)
    return normal_clips or None
