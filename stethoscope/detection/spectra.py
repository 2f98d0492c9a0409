"""The frames of normal clips, as mean and variance: what a deviation in time and frequency is
measured by.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stethoscope.sound.logmel import Frames

_LEAST_VARIANCE = (
    1.0  # dB²: what lies within a decibel of normal is no deviation, in a silent band neither
)


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
        """Return squared deviations from a machine's normal frames, in units of their variance
        [shape=(n_frames, n_bands)].
        """
        squared = (frames - self.mean[machine]) ** 2 / np.maximum(
            self.variance[machine], _LEAST_VARIANCE
        )
        deviation: Frames = squared.astype(np.float32)
        return deviation
