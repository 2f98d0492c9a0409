"""Five poolings of a clip's spectra, and how they make one score. NumPy only."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.pooled.courses import Array, Courses, grouped_means, rhythm_kernel
from stethoscope.sound.definition import Frames

MIN_FRAMES = 4
"""Frames that a rhythm needs at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How a clip's frames are pooled, and how the poolings, the views, make one score.

    A machine runs all the time, while the sounds around it come and go: the quietest frames and the
    quieter seconds of a clip hold the machine alone. Short sounds, such as the stroke of a valve,
    are in the loudest frames, and repeated ones in the modulation.

    Neighbouring mel bands are averaged to few coarse ones, because the covariance of many
    correlated bands cannot be estimated from a dozen recordings. The level of the clip, which is
    the mean over the coarse bands of their quietest frames, is subtracted everywhere: it depends on
    the distance of the microphone and its gain, and differs from one session to the next while the
    machine stays the same.

    Attributes
    ----------
    bands : int
        Coarse bands, of which all views but `rhythm` are computed.
    segment_seconds : float
        Length of the segments that `mean` and `events` are computed from. A shorter clip is one
        segment.
    hop_seconds : float
        Time from the start of a segment of `mean` to that of the next.
    quiet_share : float
        Fraction of the frames, the quietest in every band, that `steady` averages.
    event_order : float
        `events` weights the n-th loudest frame of a segment by this to the power of n: 1 is the
        mean, 0 the maximum.
    lowest_hz : float
        Slowest rhythm.
    per_octave : int
        Rhythms per octave. A third of an octave holds the speed of a machine that runs a little
        faster or slower in another session.
    modulation_bands : int
        Groups of coarse bands that `modulation` is computed for.
    quiet_quantile : float
        Quantile over the segments of `mean` that is taken for the clip: a lasting fault is in the
        quiet seconds too.

    References
    ----------
    J. Guan et al., "Time-weighted frequency domain audio representation with GMM estimator for
    anomalous sound detection", ICASSP 2023, for pooling by rank.
    """

    views: ClassVar[tuple[str, ...]] = ("steady", "mean", "events", "modulation", "rhythm")
    averaged: ClassVar[frozenset[str]] = frozenset({"events"})
    without_level: ClassVar[tuple[str, ...]] = ("steady", "mean", "events")

    bands: int = 40
    segment_seconds: float = 1.0
    hop_seconds: float = 0.25
    quiet_share: float = 0.3
    event_order: float = 0.7
    lowest_hz: float = 0.5
    per_octave: int = 3
    modulation_bands: int = 16
    quiet_quantile: float = 0.1

    def __call__(self, frames: Frames, rate: float) -> dict[str, Array]:
        """Pool a clip.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_bands)]
            Log-mel spectrogram in decibels.
        rate : float
            Frames per second.

        Returns
        -------
        dict of str to np.ndarray [shape=(n_segments, n_values)]
            By view. `steady`, `modulation` and `rhythm` have the whole clip as their only segment.
        """
        return self.pool(Courses.of(frames, rate, self.bands))

    def pool(self, clip: Courses) -> dict[str, Array]:
        """Pool a clip whose bands are given as courses over time; see :meth:`__call__`."""
        quietest = max(1, round(self.quiet_share * clip.n_frames))
        quiet = np.partition(clip.coarse, quietest - 1, axis=1)[:, :quietest].mean(axis=1)
        level = quiet.mean()
        coarse = clip.coarse - level
        rhythm = rhythm_heights(clip, self.lowest_hz, self.per_octave)
        return {
            "steady": (quiet - level)[np.newaxis],
            "mean": self._means(coarse, clip.rate),
            "events": self._events(coarse, clip.rate),
            "modulation": self._modulation(clip)[np.newaxis],
            "rhythm": rhythm[np.newaxis],
        }

    def log_distance(
        self,
        view: str,
        segments: npt.NDArray[np.floating],
        gaussians: Gaussians,
        machine: int,
    ) -> Array:
        """Return the logarithm of the squared distance of clips from a machine.

        The distance of a clip is a low quantile over the segments of `mean`, and the distance of
        the average segment in `events`: events of a single second vary too much to be compared
        one by one. The other views have one segment.

        Parameters
        ----------
        view : str
        segments : np.ndarray [shape=(..., n_segments, n_values)]
        gaussians : Gaussians
            Of the view.
        machine : int
            Index of the machine.

        Returns
        -------
        np.ndarray [shape=(...)]
        """
        if view in self.averaged:
            segments = segments.mean(axis=-2, keepdims=True)
        return gaussians.levels(segments, machine, self.quiet_quantile)

    @staticmethod
    def combine(z: Array, weights: Array) -> Array:
        """Return the weighted mean over the views of the normalised distances.

        A mean, because no single view may decide: one that differs between sessions would make
        every clip of a new session anomalous.

        Parameters
        ----------
        z : np.ndarray [shape=(n_views, ...)]
        weights : np.ndarray [shape=(n_views,)]
            Their sum is 1.

        Returns
        -------
        np.ndarray [shape=(...)]
        """
        mean: Array = np.tensordot(weights, z, axes=1)
        return mean

    @staticmethod
    def divide(z: Array, weights: Array) -> Array:
        """Return what each view contributes to the score of a clip [shape=(n_views,)]."""
        shares: Array = weights * z
        return shares

    @staticmethod
    def slopes(z: Array, weights: Array) -> Array:  # noqa: ARG004
        """Return the change of the score of a clip with each z [shape=(n_views,)]."""
        return weights

    def segment_frames(self, rate: float, n_frames: int) -> int:
        """Return the frames of a segment of a clip of `n_frames` frames."""
        return min(max(1, round(self.segment_seconds * rate)), n_frames)

    def _means(self, coarse: Array, rate: float) -> Array:
        """Return the mean spectrum of every overlapping segment."""
        n_frames = coarse.shape[1]
        length = self.segment_frames(rate, n_frames)
        sums = np.zeros((len(coarse), n_frames + 1))
        np.cumsum(coarse, axis=1, out=sums[:, 1:])
        hop = max(1, round(self.hop_seconds * rate))
        means: Array = (sums[:, length::hop] - sums[:, : n_frames - length + 1 : hop]) / length
        return means.T

    def _events(self, coarse: Array, rate: float) -> Array:
        """Return the frames of every segment, ranked in each band and weighted by rank."""
        n_bands, n_frames = coarse.shape
        length = self.segment_frames(rate, n_frames)
        whole = n_frames // length * length
        ranked = np.sort(coarse[:, :whole].reshape(n_bands, -1, length), axis=2)
        weights = self.event_order ** np.arange(length)
        events: Array = ranked @ (weights / weights.sum())[::-1]
        return events.T

    def _modulation(self, clip: Courses) -> Array:
        """Return the logarithm of the modulation power of every group of bands and rhythm.

        The power of a steady fluctuation grows with the number of frames, therefore it is divided
        by that. Unlike `rhythm`, it holds how strongly a band fluctuates and not only how far a
        rhythm stands out.
        """
        groups = grouped_means(clip.coarse_power / clip.n_frames, self.modulation_bands)
        kernel = rhythm_kernel(clip.n_frames, clip.rate, self.lowest_hz, self.per_octave)
        heights: Array = np.log(groups @ kernel.T).ravel()
        return heights


def rhythm_heights(clip: Courses, lowest_hz: float, per_octave: int) -> Array:
    """Return the prominence of rhythms over the floor of each band.

    The lower half of the bands comes first, then the upper half.

    Parameters
    ----------
    clip : Courses
    lowest_hz : float
        Slowest rhythm.
    per_octave : int
        Rhythms per octave.

    Returns
    -------
    np.ndarray [shape=(n_halves * n_rhythms,)]
    """
    # The root of the mean square gives weight to the few bands that show a rhythm.
    squares = np.square(clip.prominence)
    means = np.sqrt([half.mean(axis=0) for half in np.array_split(squares, 2) if half.size])
    kernel = rhythm_kernel(clip.n_frames, clip.rate, lowest_hz, per_octave)
    heights: Array = np.log(means @ kernel.T).ravel()
    return heights
