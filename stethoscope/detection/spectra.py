"""Normal frames of machines, as mean and variance: what is usual."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stethoscope.sound.definition import Frames

# In dB²: a fluctuation of about a decibel is usual, even in a silent band.
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

    def as_usual(self, frames: Frames, machine: int) -> Frames:
        """Return frames whose mean and fluctuation are those of a machine's normal frames.

        The spectrum becomes the machine's, at the level of the clip. A band that fluctuates more
        than usual fluctuates as usual. What remains sounds like the machine and not like a tone.

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
        scale = np.sqrt(np.minimum(1.0, variance / np.maximum(frames.var(axis=0), _LEAST_VARIANCE)))
        own_mean, normal_mean = frames.mean(axis=0), self.mean[machine]
        level = np.median(own_mean - normal_mean)
        usual: Frames = (normal_mean + level + (frames - own_mean) * scale).astype(np.float32)
        return usual
