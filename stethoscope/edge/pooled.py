"""The default detector for a microcontroller: levels in bytes, factors of 8 bits, nothing else new.

The views, the distances and the decision are those of the detector itself; only the numbers that
they are computed from are rounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
import numpy.typing as npt

from stethoscope.detection.gaussians import Array, Gaussians
from stethoscope.detection.pooled.score import PooledModel, PooledScorer
from stethoscope.machines import type_of
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import EPSILON, LogMel

POOLED = "pooled-gmm"
"""The detector that is rounded."""

STEP_DB = 0.5
"""Size of a step of the levels."""

MOST_STEPS = 255
BLOCK_SECONDS = 10.0
"""Duration of a block of a model that does not know the length of its training clips."""

_MOST_WEIGHT = 127


def lowest_level(feature: LogMel) -> float:
    """Return the level of step 0, in decibels.

    The highest step is the level of a sine wave of full scale. The noise of rounding to 16 bits
    lies above the lowest one.
    """
    n = feature.n_fft
    # A sine wave of full scale in a Hann window: a line of n / 4, and two of half that beside it.
    line = np.zeros((feature.filters.shape[1] + 2, feature.filters.shape[1]))
    for offset, height in ((0, n / 8), (1, n / 4), (2, n / 8)):
        line[np.arange(line.shape[1]) + offset, np.arange(line.shape[1])] = height
    mel = feature.filters @ (line[1:-1] ** feature.power)
    top = 20.0 / feature.power * np.log10(float(mel.max()) + EPSILON)
    return float(STEP_DB * np.floor(top / STEP_DB) - STEP_DB * (MOST_STEPS - 1))


@dataclass(frozen=True)
class Levels:
    """Decibels in whole steps that fit into a byte.

    Attributes
    ----------
    lowest : float
        Level of step 0, in decibels.
    """

    lowest: float

    def steps(self, frames: Frames) -> npt.NDArray[np.uint8]:
        """Return the nearest steps of a log-mel spectrogram."""
        nearest = np.rint((frames - np.float32(self.lowest)) / np.float32(STEP_DB))
        steps: npt.NDArray[np.uint8] = np.clip(nearest, 0, MOST_STEPS).astype(np.uint8)
        return steps

    def rounded(self, frames: Frames) -> Frames:
        """Return a log-mel spectrogram as its steps tell it, in decibels."""
        values = self.lowest + STEP_DB * self.steps(frames).astype(np.float64)
        return np.asarray(values, dtype=np.float32)


@dataclass(frozen=True)
class Factor:
    """A triangular factor of a precision matrix, in 8 bits.

    The matrix is ``F @ F.T`` with ``F[i, j] = weights[i, j] * steps[j] / units[i]``.

    Attributes
    ----------
    weights : np.ndarray of int8 [shape=(n_values, n_values)]
        Zero above the diagonal.
    steps : np.ndarray [shape=(n_values,)]
        Size of a step of the weights of each column.
    units : np.ndarray [shape=(n_values,)]
        Standard deviation of each value if the others are known.
    """

    weights: npt.NDArray[np.int8]
    steps: npt.NDArray[np.float32]
    units: npt.NDArray[np.float32]

    @classmethod
    def of(cls, precision: Array) -> "Factor":
        """Round Cholesky's factor of a precision matrix [shape=(n_values, n_values)]."""
        units = 1.0 / np.sqrt(np.diag(precision))
        factor = np.linalg.cholesky((precision + precision.T) / 2) * units[:, np.newaxis]
        steps = np.abs(factor).max(axis=0) / _MOST_WEIGHT
        weights = np.rint(factor / steps).astype(np.int8)
        return cls(weights, steps.astype(np.float32), units.astype(np.float32))

    def precision(self) -> Array:
        """Return the precision matrix of the rounded factor."""
        steps, units = self.steps.astype(np.float64), self.units.astype(np.float64)
        factor: Array = self.weights * steps / units[:, np.newaxis]
        return factor @ factor.T

    @property
    def columns(self) -> npt.NDArray[np.int8]:
        """The weights from the diagonal downwards, column after column."""
        return np.concatenate([self.weights[j:, j] for j in range(len(self.steps))])


class EdgePooledScorer(PooledScorer):
    """Scores clips as a microcontroller does: block after block, from rounded numbers.

    Parameters
    ----------
    full : PooledScorer
        The detector that is rounded.
    """

    kind = POOLED

    def __init__(self, full: PooledScorer) -> None:
        self.factors = {
            machine_type: {view: Factor.of(one.precision) for view, one in model.gaussians.items()}
            for machine_type, model in full.models.items()
        }
        models = {
            machine_type: _rounded(model, self.factors[machine_type])
            for machine_type, model in full.models.items()
        }
        super().__init__(models, full.pooling, full.feature)
        self.levels = Levels(lowest_level(full.feature))

    def block_frames(self, machine_type: str) -> int:
        """Return the frames of a full block, as many as a training clip has."""
        length = int(self.models[machine_type].lengths.frames[-1])
        rate = self.feature.sample_rate / self.feature.hop_length
        return length if length > 1 else 1 + round(BLOCK_SECONDS * rate)

    def score(self, frames: Frames, machine: str) -> float:
        """Return the score of a clip: the mean over its full blocks, or that of a shorter clip."""
        length = self.block_frames(type_of(machine))
        starts = range(0, max(1, len(frames) - length + 1), length)
        blocks = [self.levels.rounded(frames[start : start + length]) for start in starts]
        return fmean(super(EdgePooledScorer, self).score(block, machine) for block in blocks)


def _rounded(model: PooledModel, factors: Mapping[str, Factor]) -> PooledModel:
    """Return a model with the precision matrices of rounded factors."""
    gaussians = {
        view: Gaussians(one.means, factors[view].precision())
        for view, one in model.gaussians.items()
    }
    return replace(model, gaussians=gaussians)
