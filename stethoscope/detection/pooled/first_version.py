"""The pooling of the detector's first version, for models that were fitted with it. NumPy only.

Nothing is fitted with it any more. Such models score as on the day they were made.
"""

import sys
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.pooled.courses import Array, Courses
from stethoscope.detection.pooled.pooling import rhythm_heights
from stethoscope.sound.definition import Frames

_STEPS = 64  # of a numerical integral


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPooling:
    """The pooling of the first version: four views of all bands, levels included.

    It has the methods of :class:`~stethoscope.detection.pooled.pooling.Pooling`.

    Attributes
    ----------
    segment_seconds : float
        Length of the segments that `mean` and `events` are computed from.
    quiet_share : float
        Fraction of the frames, the quietest in every band, that `steady` averages.
    event_order : float
        `events` weights the n-th loudest frame of a segment by this to the power of n.
    lowest_hz : float
        Slowest rhythm.
    per_octave : int
        Rhythms per octave.
    quiet_quantile : float
        Quantile over a clip's segments that is taken for the clip.
    """

    views: ClassVar[tuple[str, ...]] = ("steady", "mean", "events", "rhythm")
    averaged: ClassVar[frozenset[str]] = frozenset()
    without_level: ClassVar[tuple[str, ...]] = ("steady",)
    bands: ClassVar[int] = sys.maxsize

    segment_seconds: float = 1.0
    quiet_share: float = 0.1
    event_order: float = 0.5
    lowest_hz: float = 0.5
    per_octave: int = 6
    quiet_quantile: float = 0.25

    @property
    def hop_seconds(self) -> float:
        """Time from the start of a segment to that of the next."""
        return self.segment_seconds

    def __call__(self, frames: Frames, rate: float) -> dict[str, Array]:
        """Pool a clip; return the segments of every view [shape=(n_segments, n_values)]."""
        return self.pool(Courses.of(frames, rate, self.bands))

    def pool(self, clip: Courses) -> dict[str, Array]:
        """Pool a clip whose bands are given as courses over time; see :meth:`__call__`."""
        length = self.segment_frames(clip.rate, clip.n_frames)
        whole = clip.n_frames // length * length
        segments = clip.coarse[:, :whole].reshape(len(clip.coarse), -1, length)
        quietest = max(1, round(self.quiet_share * clip.n_frames))
        quiet = np.partition(clip.coarse, quietest - 1, axis=1)[:, :quietest].mean(axis=1)
        weights = self.event_order ** np.arange(length)
        events = np.sort(segments, axis=2) @ (weights / weights.sum())[::-1]
        return {
            "steady": (quiet - quiet.mean())[np.newaxis],
            "mean": segments.mean(axis=2).T,
            "events": events.T,
            "rhythm": rhythm_heights(clip, self.lowest_hz, self.per_octave)[np.newaxis],
        }

    def log_distance(
        self,
        view: str,  # noqa: ARG002
        segments: npt.NDArray[np.floating],
        gaussians: Gaussians,
        machine: int,
    ) -> Array:
        """Return the logarithm of a quantile over the segments' squared distances."""
        return gaussians.levels(segments, machine, self.quiet_quantile)

    @staticmethod
    def combine(z: Array, weights: Array) -> Array:
        """Return the logarithm of the weighted mean of exp(z) over the views.

        One view with a high value outvotes several with low ones.
        """
        highest = z.max(axis=0)
        voted: Array = highest + np.log(np.tensordot(weights, np.exp(z - highest), axes=1))
        return voted

    @classmethod
    def divide(cls, z: Array, weights: Array) -> Array:
        """Return what each view contributes to the score of a clip [shape=(n_views,)].

        They are the Aumann-Shapley values: z times the slope, averaged from z = 0 to z.
        """
        steps = (np.arange(_STEPS) + 0.5) / _STEPS
        slopes = np.mean([cls.slopes(step * z, weights) for step in steps], axis=0)
        shares: Array = z * slopes
        return shares

    @staticmethod
    def slopes(z: Array, weights: Array) -> Array:
        """Return the change of the score of a clip with each z [shape=(n_views,)]."""
        powers = weights * np.exp(z - z.max())
        shares: Array = powers / powers.sum()
        return shares

    def segment_frames(self, rate: float, n_frames: int) -> int:
        """Return the frames of a segment of a clip of `n_frames` frames."""
        return min(max(1, round(self.segment_seconds * rate)), n_frames)
