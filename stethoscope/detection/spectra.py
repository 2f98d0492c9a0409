"""Normal frames of machines, as mean and variance: the measure of deviations."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stethoscope.sound.definition import Frames

# In dB²: a value within about a decibel of the mean is no deviation, even in a silent band.
_LEAST_VARIANCE = 1.0


@dataclass(frozen=True)
class NormalSpectra:
    """Mean and variance of every band over the normal frames of several machines.

    Attributes
    ----------
    mean, variance : np.ndarray [shape=(n_machines, n_bands)]
        In dB and dB².
    """

    mean: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]

    def deviation(self, frames: Frames, machine: int) -> Frames:
        """Return squared deviations from a machine's mean, in units of its variance.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_bands)]
        machine : int
            Index of the machine.

        Returns
        -------
        np.ndarray [shape=(n_frames, n_bands), dtype=float32]
        """
        variance = np.maximum(self.variance[machine], _LEAST_VARIANCE)
        deviation: Frames = ((frames - self.mean[machine]) ** 2 / variance).astype(np.float32)
        return deviation
