"""Random windows of clips, with the machines as classes."""

import math
from collections import Counter

import numpy as np
import numpy.typing as npt

from stethoscope.features.store import FeatureStore
from stethoscope.machines import type_of
from stethoscope.model.training import Batches, mix_pairs
from stethoscope.sound.definition import Frames

Indices = npt.NDArray[np.intp]

WARPS = ((1.0, 0), (1.25, 0), (0.8, 0), (1.0, 1), (1.0, -1))
"""Changes of speed (a factor) and pitch (steps of a 32nd of the bands) that make several classes of
one machine; the first changes nothing.
"""

_MIXUP = 0.4  # both parameters of the beta distribution of the share of the first of two windows
_BATCH = 32
_LEAST_BATCHES = 32  # per epoch: the clips of a small set occur several times in an epoch


class Crops(Batches):
    """Batches of random windows of clips, mixed in pairs, with their classes.

    Parameters
    ----------
    store : FeatureStore
    clips : np.ndarray of int
        Indices of the clips.
    window : int
        Frames per window.
    seed : int
    mixup : bool
        Mix pairs of windows and their classes.
    machines : sequence of str, optional
        All machines, in the order of their classes; by default those of the clips.

    Notes
    -----
    A batch is ``((windows, labels), labels)``: windows [shape=(batch, window, n_mels)], labels
    [shape=(batch, n_classes)].
    """

    def __init__(
        self,
        store: FeatureStore,
        clips: Indices,
        window: int,
        *,
        seed: int,
        mixup: bool,
        machines: list[str] | None = None,
    ) -> None:
        self._store = store
        self._window = window
        self._rng = np.random.default_rng(seed)
        self._mixup = mixup
        self.machines = machines or sorted({store.clips[index].machine for index in clips})
        ids_of_type = Counter(type_of(machine) for machine in self.machines)
        self._warps = WARPS if min(ids_of_type.values()) == 1 else WARPS[:1]
        self.n_classes = len(self.machines) * len(self._warps)
        # A clip gives as many windows as it holds; an epoch has enough batches to learn from.
        self._clips = np.repeat(clips, -(-store.n_frames[clips] // window))
        self._count = max(len(self._clips), _LEAST_BATCHES * _BATCH) if mixup else len(self._clips)
        super().__init__(_BATCH)

    def gather(self, indices: Indices) -> tuple[tuple[Frames, Frames], Frames]:
        """Return windows of clips, with their classes, as described in the notes."""
        windows = np.empty((len(indices), self._window, self._store.feature.size), dtype=np.float32)
        labels = np.zeros((len(indices), self.n_classes), dtype=np.float32)
        for row, clip in enumerate(indices):
            warp = int(self._rng.integers(len(self._warps)))
            windows[row] = self._crop(self._store.clip_frames(clip), *self._warps[warp])
            machine = self.machines.index(self._store.clips[clip].machine)
            labels[row, machine * len(self._warps) + warp] = 1.0
        self._store.release()
        if self._mixup:
            windows, labels = mix_pairs(windows, labels, _MIXUP, self._rng)
        return (windows, labels), labels

    def draw_order(self) -> Indices:
        """Return the clips of an epoch, in random order; a clip may occur several times."""
        rounds = -(-self._count // len(self._clips))
        drawn = [self._rng.permutation(self._clips) for _ in range(rounds)]
        return np.concatenate(drawn)[: self._count]

    def _crop(self, frames: Frames, speed: float, steps: int) -> Frames:
        length = min(len(frames), math.ceil(speed * self._window))
        start = self._rng.integers(len(frames) - length + 1)
        return warp(np.array(frames[start : start + length]), self._window, speed, steps)


def warp(frames: Frames, window: int, speed: float, steps: int) -> Frames:
    """Return `window` frames of a clip with its speed and pitch changed.

    A clip that is too short is repeated.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, n_mels)]
    window : int
        Number of frames that are returned.
    speed : float
        How many times as fast the clip becomes.
    steps : int
        By how many steps of a 32nd of the bands the pitch is moved up.

    Returns
    -------
    np.ndarray [shape=(window, n_mels)]
    """
    bands = frames.shape[1]
    shift = steps * max(1, bands // 32)
    shifted = frames[:, np.clip(np.arange(bands) - shift, 0, bands - 1)]
    position = np.arange(window) * speed
    below = np.floor(position).astype(int)
    share = (position - below).astype(np.float32)[:, np.newaxis]
    warped: Frames = (1 - share) * shifted[below % len(frames)] + share * shifted[
        (below + 1) % len(frames)
    ]
    return warped
