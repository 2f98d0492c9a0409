"""Mean and variance of each machine's normal frames, summed clip by clip."""

import numpy as np

from stethoscope.detection.spectra import NormalSpectra
from stethoscope.sound.logmel import Frames


class SpectraSums:
    """Sums over frames of several machines; none is kept.

    Parameters
    ----------
    n_machines, size : int
        Number of machines and of bands.
    """

    def __init__(self, n_machines: int, size: int) -> None:
        self._count = np.zeros((n_machines, 1))
        self._sum = np.zeros((n_machines, size))
        self._squares = np.zeros((n_machines, size))

    def add(self, frames: Frames, machine: int) -> None:
        """Take the frames of a clip [shape=(n_frames, n_bands)]."""
        values = frames.astype(np.float64)
        self._count[machine] += len(values)
        self._sum[machine] += values.sum(axis=0)
        self._squares[machine] += (values**2).sum(axis=0)

    def normal(self) -> NormalSpectra:
        """Return mean and variance."""
        mean = self._sum / self._count
        return NormalSpectra(mean, np.maximum(self._squares / self._count - mean**2, 0.0))
