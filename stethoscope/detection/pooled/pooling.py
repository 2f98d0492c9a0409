"""Five poolings of a clip's spectra, and how they make one score. NumPy only."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from stethoscope.detection.gaussians import Gaussians
from stethoscope.sound.definition import Frames

Array = npt.NDArray[np.float64]

MIN_FRAMES = 4
"""Frames that a rhythm needs at least."""

LEAST_POWER = 1e-9  # dB²: far below any audible fluctuation, so that a silent band has no rhythm


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
        values = np.asarray(frames, dtype=np.float64)
        coarse = grouped_means(values, self.bands)
        quietest = max(1, round(self.quiet_share * len(coarse)))
        quiet = np.partition(coarse, quietest - 1, axis=0)[:quietest].mean(axis=0)
        level = quiet.mean()
        coarse -= level
        rhythm = rhythm_heights(values, rate, self.lowest_hz, self.per_octave)
        return {
            "steady": (quiet - level)[np.newaxis],
            "mean": self._means(coarse, rate),
            "events": self._events(coarse, rate),
            "modulation": self._modulation(coarse, rate)[np.newaxis],
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
        length = self.segment_frames(rate, len(coarse))
        sums = np.concatenate([np.zeros((1, coarse.shape[1])), coarse.cumsum(axis=0)])
        hop = max(1, round(self.hop_seconds * rate))
        means: Array = (sums[length:] - sums[:-length])[::hop] / length
        return means

    def _events(self, coarse: Array, rate: float) -> Array:
        """Return the frames of every segment, ranked in each band and weighted by rank."""
        length = self.segment_frames(rate, len(coarse))
        segments = coarse[: len(coarse) // length * length].reshape(-1, length, coarse.shape[1])
        weights = self.event_order ** np.arange(length)
        ranked = np.sort(segments, axis=1)[:, ::-1]
        events: Array = np.tensordot(ranked, weights / weights.sum(), axes=(1, 0))
        return events

    def _modulation(self, coarse: Array, rate: float) -> Array:
        """Return the logarithm of the modulation power of every group of bands and rhythm.

        The power of a steady fluctuation grows with the number of frames, therefore it is divided
        by that. Unlike `rhythm`, it holds how strongly a band fluctuates and not only how far a
        rhythm stands out.
        """
        hz, power = modulation_power(coarse, rate)
        groups = grouped_means(power / len(coarse), self.modulation_bands)
        heights: Array = np.log(
            (rhythm_kernel(hz, rate, self.lowest_hz, self.per_octave) @ groups).T.ravel()
        )
        return heights


def grouped_means(values: Array, groups: int) -> Array:
    """Return means over groups of neighbouring columns.

    Groups are of equal size, or the first ones are larger by one. There are no more groups than
    columns.

    Parameters
    ----------
    values : np.ndarray [shape=(n_rows, n_columns)]
    groups : int

    Returns
    -------
    np.ndarray [shape=(n_rows, n_groups)]
    """
    columns = values.shape[1]
    parts = np.array_split(np.arange(columns), min(groups, columns))
    sizes = np.array([len(part) for part in parts], dtype=np.float64)
    means: Array = np.add.reduceat(values, [part[0] for part in parts], axis=1) / sizes
    return means


def modulation_power(values: Array, rate: float) -> tuple[Array, Array]:
    """Return the power of every band's fluctuation over time.

    Parameters
    ----------
    values : np.ndarray [shape=(n_frames, n_bands)]
        In decibels.
    rate : float
        Frames per second.

    Returns
    -------
    hz : np.ndarray [shape=(n_frames // 2,)]
        Frequencies, without 0.
    power : np.ndarray [shape=(n_frames // 2, n_bands)]
        In dB², above 0.
    """
    power: Array = np.abs(fluctuation_spectrum(values)[1:]) ** 2 + LEAST_POWER
    hz: Array = np.fft.rfftfreq(len(values), 1 / rate)[1:].astype(np.float64)
    return hz, power


def fluctuation_spectrum(values: Array) -> npt.NDArray[np.complex128]:
    """Return the spectrum over time of windowed values less their mean.

    Parameters
    ----------
    values : np.ndarray [shape=(n_frames, n_bands)]

    Returns
    -------
    np.ndarray [shape=(1 + n_frames // 2, n_bands)]
    """
    window = fluctuation_window(len(values))
    spectrum: npt.NDArray[np.complex128] = np.fft.rfft(
        (values - values.mean(axis=0)) * window, axis=0
    )
    return spectrum


def fluctuation_window(n_frames: int) -> Array:
    """Return the Hann window of a clip's fluctuation [shape=(n_frames, 1)]."""
    window: Array = np.hanning(n_frames)[:, np.newaxis]
    return window


def rhythm_kernel(hz: Array, rate: float, lowest_hz: float, per_octave: int) -> Array:
    """Return the weights of the frequencies `hz` in each rhythm.

    Rhythms are spaced evenly by octaves, from `lowest_hz` to half the frame rate, and each has a
    Gaussian weight over the octaves around it.

    Returns
    -------
    np.ndarray [shape=(n_rhythms, n_frequencies)]
        The sum of each row is 1.
    """
    steps = np.arange(max(1, int(np.log2(rate / 2 / lowest_hz) * per_octave) + 1))
    squared = (np.log2(hz / lowest_hz) * per_octave - steps[:, np.newaxis]) ** 2
    # The nearest line of the spectrum has full weight, even if it is far away as in a short
    # clip: otherwise all weights could vanish.
    kernel: Array = np.exp(0.5 * (squared.min(axis=1, keepdims=True) - squared))
    kernel /= kernel.sum(axis=1, keepdims=True)
    return kernel


def rhythm_heights(values: Array, rate: float, lowest_hz: float, per_octave: int) -> Array:
    """Return the prominence of rhythms over the floor of each band.

    The lower half of the bands comes first, then the upper half.

    Parameters
    ----------
    values : np.ndarray [shape=(n_frames, n_bands)]
        In decibels.
    rate : float
        Frames per second.
    lowest_hz : float
        Slowest rhythm.
    per_octave : int
        Rhythms per octave.

    Returns
    -------
    np.ndarray [shape=(n_halves * n_rhythms,)]
    """
    hz, power = modulation_power(values, rate)
    audible = hz >= min(1.0, hz[-1])
    prominence = power / np.median(power[audible], axis=0)
    # The root of the mean square gives weight to the few bands that show a rhythm.
    halves = [
        np.sqrt((half**2).mean(axis=1))
        for half in np.array_split(prominence, 2, axis=1)
        if half.size
    ]
    kernel = rhythm_kernel(hz, rate, lowest_hz, per_octave)
    heights: Array = np.log(np.concatenate([kernel @ half for half in halves]))
    return heights
