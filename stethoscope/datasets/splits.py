"""Split clips so that no recording is both in training and held out."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.clips import Clip


def hold_out(clips: Sequence[Clip], share: float, *, seed: int) -> npt.NDArray[np.bool_]:
    """Choose the recordings that are held out from training, per machine id.

    Parameters
    ----------
    clips : sequence of Clip
    share : float
        Fraction of each machine's recordings, from 0 to below 1, rounded. If it is above 0, at
        least one recording of each machine is held out, and at least one is kept.
    seed : int

    Returns
    -------
    np.ndarray [shape=(n_clips,), dtype=bool]
        True for the clips that are held out; all clips of a recording have the same value.
    """
    recordings: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        recordings[clip.machine].add(clip.recording)
    rng = np.random.default_rng(seed)
    held_out: set[tuple[str, str]] = set()
    for machine in sorted(recordings):
        names = sorted(recordings[machine])
        count = min(max(round(share * len(names)), 1 if share > 0 else 0), len(names) - 1)
        held_out |= {(machine, str(name)) for name in rng.permutation(names)[:count]}
    return np.array([(clip.machine, clip.recording) in held_out for clip in clips], dtype=bool)
