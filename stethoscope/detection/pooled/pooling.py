"""Five poolings of a clip's spectra, and how they make one score. NumPy only."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, Self, TypeVar

import numpy as np
import numpy.typing as npt

from stethoscope.detection.gaussians import Gaussians
from stethoscope.sound.definition import Frames

Array = npt.NDArray[np.float64]

MIN_FRAMES = 4
"""Frames that a rhythm needs at least."""

_LENGTHS = 8  # of clips, for which constants are kept

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
        return self.pool(Courses.of(frames, rate, self.bands))

    def pool(self, clip: "Courses") -> dict[str, Array]:
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

    def _modulation(self, clip: "Courses") -> Array:
        """Return the logarithm of the modulation power of every group of bands and rhythm.

        The power of a steady fluctuation grows with the number of frames, therefore it is divided
        by that. Unlike `rhythm`, it holds how strongly a band fluctuates and not only how far a
        rhythm stands out.
        """
        groups = grouped_means(clip.coarse_power / clip.n_frames, self.modulation_bands)
        kernel = rhythm_kernel(clip.n_frames, clip.rate, self.lowest_hz, self.per_octave)
        heights: Array = np.log(groups @ kernel.T).ravel()
        return heights


@dataclass(frozen=True)
class Courses:
    """The bands of a clip over time, in rows: what all views are computed from.

    The spectrum of a coarse band is the mean of the spectra of its bands, so that one transform
    serves both. Several views, and their gradients, are computed from the same powers, which are
    kept.

    Attributes
    ----------
    coarse : np.ndarray [shape=(n_coarse_bands, n_frames)]
        In decibels.
    spectrum : np.ndarray of complex [shape=(n_bands, 1 + n_frames // 2)]
        Of the windowed values of every band less their mean.
    rate : float
        Frames per second.
    """

    coarse: Array
    spectrum: npt.NDArray[np.complex128]
    rate: float

    @classmethod
    def of(cls, frames: Frames, rate: float, n_coarse: int) -> Self:
        """Compute them from the frames of a clip [shape=(n_frames, n_bands)]."""
        values = np.array(frames.T, dtype=np.float64, order="C")
        coarse = grouped_means(values, n_coarse)
        fluctuation = values - values.mean(axis=1, keepdims=True)
        fluctuation *= fluctuation_window(len(frames))
        return cls(coarse, row_spectra(fluctuation), rate)

    def towards(self, other: Self, share: float) -> Self:
        """Return the courses on the straight way from this clip to another one, of this length.

        They are those of the frames that lie on the way, because both are linear in the frames.
        """
        coarse = self.coarse + share * (other.coarse - self.coarse)
        spectrum = self.spectrum + share * (other.spectrum - self.spectrum)
        return type(self)(coarse, spectrum, self.rate)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        n_frames: int = self.coarse.shape[1]
        return n_frames

    @property
    def hz(self) -> Array:
        """Frequencies of the spectrum, without 0 [shape=(n_frames // 2,)]."""
        return frequencies(self.n_frames, self.rate)

    @cached_property
    def power(self) -> Array:
        """Power of every band's fluctuation [shape=(n_bands, n_frames // 2)]."""
        return fluctuation_power(self.spectrum)

    @cached_property
    def coarse_spectrum(self) -> npt.NDArray[np.complex128]:
        """Spectrum of the coarse bands [shape=(n_coarse_bands, 1 + n_frames // 2)]."""
        return grouped_means(self.spectrum, len(self.coarse))

    @cached_property
    def coarse_power(self) -> Array:
        """Power of every coarse band's fluctuation [shape=(n_coarse_bands, n_frames // 2)]."""
        return fluctuation_power(self.coarse_spectrum)

    @cached_property
    def middle(self) -> Array:
        """The two middle ranks of every band's power over the audible frequencies.

        Both are the same if the number of frequencies is odd [shape=(2, n_bands, 1)].
        """
        audible = self.power[:, first_audible(self.hz) :]
        ranked = np.sort(audible, axis=1)  # np.median takes three times as long
        half = ranked.shape[1] // 2
        return np.stack([ranked[:, half, np.newaxis], ranked[:, -1 - half, np.newaxis]])

    @cached_property
    def prominence(self) -> Array:
        """Power of every band over its median, the floor [shape=(n_bands, n_frames // 2)]."""
        return self.power / self.floor

    @property
    def floor(self) -> Array:
        """Median of every band's power over the audible frequencies [shape=(n_bands, 1)]."""
        floor: Array = (self.middle[0] + self.middle[1]) / 2
        return floor


N = TypeVar("N", np.float64, np.complex128)


def grouped_means(values: npt.NDArray[N], groups: int) -> npt.NDArray[N]:
    """Return means over groups of neighbouring rows.

    Groups are of equal size, or the first ones are larger by one. There are no more groups than
    rows.

    Parameters
    ----------
    values : np.ndarray [shape=(n_rows, n_columns)]
    groups : int

    Returns
    -------
    np.ndarray [shape=(n_groups, n_columns)]
    """
    if groups >= len(values):
        return values
    size, larger = divmod(len(values), groups)
    means: npt.NDArray[N] = np.empty((groups, values.shape[1]), values.dtype)
    place = larger * (size + 1)
    for rows, count, kept in (
        (values[:place], size + 1, means[:larger]),
        (values[place:], size, means[larger:]),
    ):
        np.add.reduce(rows.reshape(-1, count, values.shape[1]), axis=1, out=kept)
        kept /= count
    return means


def group_sizes(n_rows: int, groups: int) -> npt.NDArray[np.intp]:
    """Return the number of rows in each group of neighbouring ones; see :func:`grouped_means`."""
    size, larger = divmod(n_rows, groups := min(groups, n_rows))
    return np.full(groups, size) + (np.arange(groups) < larger)


def row_spectra(rows: Array) -> npt.NDArray[np.complex128]:
    """Return the discrete Fourier transform of each row, as ``np.fft.rfft`` does.

    Two rows are the real and the imaginary part of one complex row. Where the number of columns has
    a large prime factor, as the 313 frames of a clip of ten seconds, that takes half the time.

    Parameters
    ----------
    rows : np.ndarray [shape=(n_rows, n_columns)]

    Returns
    -------
    np.ndarray of complex [shape=(n_rows, 1 + n_columns // 2)]
    """
    n_rows, n_columns = rows.shape
    n_pairs, n_bins = -(-n_rows // 2), 1 + n_columns // 2
    paired = np.zeros((n_pairs, n_columns), dtype=np.complex128)
    paired.real = rows[:n_pairs]
    paired.imag[: n_rows - n_pairs] = rows[n_pairs:]
    whole = np.fft.fft(paired, axis=1)
    positive = whole[:, :n_bins]
    negative = np.empty_like(positive)  # conjugate, of the negative frequencies
    np.conjugate(whole[:, :1], out=negative[:, :1])
    np.conjugate(whole[:, : n_columns - n_bins : -1], out=negative[:, 1:])
    spectra = np.empty((n_rows, n_bins), dtype=np.complex128)
    np.add(positive, negative, out=spectra[:n_pairs])
    odd = (positive - negative)[: n_rows - n_pairs]
    spectra.real[n_pairs:] = odd.imag
    np.negative(odd.real, out=spectra.imag[n_pairs:])
    spectra *= 0.5
    return spectra


def fluctuation_power(spectrum: npt.NDArray[np.complex128]) -> Array:
    """Return the power of every band's fluctuation over time.

    Parameters
    ----------
    spectrum : np.ndarray of complex [shape=(n_bands, 1 + n_frames // 2)]
        Of a :class:`Courses`.

    Returns
    -------
    np.ndarray [shape=(n_bands, n_frames // 2)]
        In dB², above 0, without the frequency 0.
    """
    power: Array = np.square(spectrum.real[:, 1:])
    power += np.square(spectrum.imag[:, 1:])
    power += LEAST_POWER
    return power


@lru_cache(maxsize=_LENGTHS)
def fluctuation_window(n_frames: int) -> Array:
    """Return the Hann window of a clip's fluctuation [shape=(n_frames,)]."""
    return _constant(np.hanning(n_frames))


@lru_cache(maxsize=_LENGTHS)
def frequencies(n_frames: int, rate: float) -> Array:
    """Return the frequencies of the fluctuation of a clip, without 0 [shape=(n_frames // 2,)]."""
    return _constant(np.fft.rfftfreq(n_frames, 1 / rate)[1:].astype(np.float64))


def first_audible(hz: Array) -> int:
    """Return the index of the first frequency that counts for the floor of a band: 1 Hz."""
    return int(np.searchsorted(hz, min(1.0, hz[-1])))


@lru_cache(maxsize=_LENGTHS)
def rhythm_kernel(n_frames: int, rate: float, lowest_hz: float, per_octave: int) -> Array:
    """Return the weights of the frequencies of a clip's fluctuation in each rhythm.

    Rhythms are spaced evenly by octaves, from `lowest_hz` to half the frame rate, and each has a
    Gaussian weight over the octaves around it.

    Parameters
    ----------
    n_frames : int
        Length of the clip.
    rate : float
        Frames per second.
    lowest_hz : float
        Slowest rhythm.
    per_octave : int
        Rhythms per octave.

    Returns
    -------
    np.ndarray [shape=(n_rhythms, n_frequencies)]
        The sum of each row is 1.
    """
    steps = np.arange(max(1, int(np.log2(rate / 2 / lowest_hz) * per_octave) + 1))
    octaves = np.log2(frequencies(n_frames, rate) / lowest_hz)
    squared = (octaves * per_octave - steps[:, np.newaxis]) ** 2
    # The nearest line of the spectrum has full weight, even if it is far away as in a short
    # clip: otherwise all weights could vanish.
    kernel: Array = np.exp(0.5 * (squared.min(axis=1, keepdims=True) - squared))
    kernel /= kernel.sum(axis=1, keepdims=True)
    return _constant(kernel)


def _constant(values: Array) -> Array:
    """Return values that nobody may change, because they are kept."""
    values.flags.writeable = False
    return values


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
