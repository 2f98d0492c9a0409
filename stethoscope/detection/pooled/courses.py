"""The courses of a clip's bands over time, and the spectra of their fluctuation. NumPy only."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from stethoscope.sound.definition import Frames

Array = npt.NDArray[np.float64]
N = TypeVar("N", np.float64, np.complex128)

_LENGTHS = 8  # of clips, for which constants are kept
_LEAST_POWER = 1e-9  # dB²: far below any audible fluctuation, so that a silent band has no rhythm


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
    power += _LEAST_POWER
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
