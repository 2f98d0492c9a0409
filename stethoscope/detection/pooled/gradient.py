"""The gradient of the score of pooled-gmm with respect to the frames of a clip. NumPy only.

It is computed backwards from the score, view by view, through the Gaussians and the pooling. The
tests compare it with differences of scores.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.pooled.courses import (
    Array,
    Courses,
    first_audible,
    fluctuation_window,
    group_sizes,
    grouped_means,
    rhythm_kernel,
)
from stethoscope.detection.pooled.first_version import FirstPooling
from stethoscope.detection.pooled.pooling import Pooling

AnyPooling = Pooling | FirstPooling
_LEAST = 1e-12

N = TypeVar("N", np.float64, np.complex128)


@dataclass(frozen=True)
class CoursesGradient:
    """How the score of a clip changes with its courses.

    Attributes
    ----------
    coarse : np.ndarray [shape=(n_coarse_bands, n_frames)]
        By the values of the coarse bands.
    spectrum : np.ndarray of complex [shape=(n_bands, n_frames // 2)]
        By the power of every band, times its spectrum without the frequency 0.
    """

    coarse: Array
    spectrum: npt.NDArray[np.complex128]


def mean_frames_gradient(gradients: Iterable[CoursesGradient]) -> Array:
    """Return the mean of gradients of clips of one length, by the values of their frames.

    The way back from courses to frames is the same for all of them, and linear.

    Returns
    -------
    np.ndarray [shape=(n_frames, n_bands)]
    """
    first, *others = gradients
    coarse, spectrum = first.coarse.copy(), first.spectrum.copy()
    for other in others:
        coarse += other.coarse
        spectrum += other.spectrum
    gradient: Array = _back_from_spectrum(spectrum, coarse.shape[1])
    gradient += _spread(coarse, len(spectrum))
    gradient /= 1 + len(others)
    return gradient.T


def score_gradient(
    clip: Courses,
    views: Mapping[str, Array],
    pooling: AnyPooling,
    gaussians: Mapping[str, Gaussians],
    machine: int,
    slopes: Mapping[str, float],
) -> CoursesGradient:
    """Return how the score of a clip changes with its courses.

    Parameters
    ----------
    clip : Courses
    views : mapping of str to np.ndarray
        The clip, pooled.
    pooling : Pooling or FirstPooling
    gaussians : mapping of str to Gaussians
        By view.
    machine : int
        Index of the machine that the clip is scored as.
    slopes : mapping of str to float
        Change of the score with the logarithm of the squared distance in each view.
    """
    by_view = {
        view: slopes[view] * _distance_gradient(pooling, view, segments, gaussians[view], machine)
        for view, segments in views.items()
    }
    back = _Back(clip, pooling)
    coarse = back.from_steady(by_view["steady"][0], _level_slope(pooling, by_view))
    back.add_means(coarse, by_view["mean"])
    back.add_events(coarse, by_view["events"])
    spectrum = clip.spectrum[:, 1:] * back.from_rhythm(by_view["rhythm"][0])
    if isinstance(pooling, Pooling):
        by_power = back.from_modulation(by_view["modulation"][0], pooling.modulation_bands)
        spectrum += _spread(by_power * clip.coarse_spectrum[:, 1:], len(spectrum))
    return CoursesGradient(coarse, spectrum)


def _distance_gradient(
    pooling: AnyPooling, view: str, segments: Array, gaussians: Gaussians, machine: int
) -> Array:
    """Return the gradient of the logarithm of a view's squared distance, shaped as `segments`."""
    centred = segments - gaussians.means[machine]
    if view in pooling.averaged:
        centred = centred.mean(axis=0, keepdims=True)
        weights = np.full((len(segments), 1), 1 / len(segments))
    weighted = centred @ gaussians.precision
    squares = (weighted * centred).sum(axis=1)
    if view in pooling.averaged:
        squared = float(squares[0])
    else:
        weights = _quantile_weights(squares, pooling.quiet_quantile)[:, np.newaxis]
        squared = float(weights[:, 0] @ squares)
    gradient: Array = 2 * weights * weighted / max(squared, _LEAST)
    return gradient


def _quantile_weights(values: Array, quantile: float) -> Array:
    """Return the weights of values in their quantile, which is interpolated linearly."""
    place = quantile * (len(values) - 1)
    order, below = np.argsort(values), int(place)
    weights = np.zeros(len(values))
    weights[order[below]] = 1 - (place - below)
    if place > below:
        weights[order[below + 1]] = place - below
    return weights


def _level_slope(pooling: AnyPooling, by_view: Mapping[str, Array]) -> float:
    """Return the change of the score with the level, which is subtracted from other values."""
    return -sum(float(by_view[view].sum()) for view in pooling.without_level)


@dataclass(frozen=True)
class _Back:
    """Gradients by what a clip is pooled from; bands are in rows, as in its courses."""

    clip: Courses
    pooling: AnyPooling

    def from_steady(self, slopes: Array, level_slope: float) -> Array:
        """Return the gradient by the quietest frames of every band, and by their mean, the level.

        `slopes` are those of the values of `steady`, before the level is subtracted.
        """
        coarse = self.clip.coarse
        count = max(1, round(self.pooling.quiet_share * self.clip.n_frames))
        quiet = np.argpartition(coarse, count - 1, axis=1)[:, :count]
        gradient = np.zeros_like(coarse)
        own = (slopes + level_slope / len(slopes)) / count
        np.put_along_axis(gradient, quiet, own[:, np.newaxis], axis=1)
        return gradient

    def add_means(self, gradient: Array, slopes: Array) -> None:
        """Add the gradient by the mean spectra of the segments."""
        length = self._segment_frames
        hop = max(1, round(self.pooling.hop_seconds * self.clip.rate))
        for number in np.flatnonzero(slopes.any(axis=1)).tolist():
            part = slice(number * hop, number * hop + length)
            gradient[:, part] += slopes[number][:, np.newaxis] / length

    def add_events(self, gradient: Array, slopes: Array) -> None:
        """Add the gradient by the ranked frames of the segments."""
        length, n_bands = self._segment_frames, len(gradient)
        weights = self.pooling.event_order ** np.arange(length)
        weights /= weights.sum()
        whole = len(slopes) * length
        ranks = np.argsort(-self.clip.coarse[:, :whole].reshape(n_bands, -1, length), axis=2)
        by_rank = slopes.T[:, :, np.newaxis] * weights
        by_frame = np.empty_like(by_rank)
        np.put_along_axis(by_frame, ranks, by_rank, axis=2)
        gradient[:, :whole] += by_frame.reshape(n_bands, whole)

    def from_modulation(self, slopes: Array, n_groups: int) -> Array:
        """Return the gradient by the power of every coarse band and frequency."""
        power = self.clip.coarse_power
        groups = grouped_means(power, n_groups)
        by_group = (slopes.reshape(len(groups), -1) / (groups @ self._kernel.T)) @ self._kernel
        return _spread(by_group, len(power))

    def from_rhythm(self, slopes: Array) -> Array:
        """Return the gradient by the power of every band and frequency, from their prominence."""
        prominence = self.clip.prominence
        halves = [half for half in np.array_split(prominence, 2) if half.size]
        weights = [
            _by_mean_square(half, slope, self._kernel)
            for half, slope in zip(halves, slopes.reshape(len(halves), -1), strict=True)
        ]
        by_prominence = np.repeat(weights, [len(half) for half in halves], axis=0) * prominence
        by_power = by_prominence / self.clip.floor
        by_floor = -(by_power * prominence).sum(axis=1)
        first, rows = first_audible(self.clip.hz), np.arange(len(by_power))
        for rank in self.clip.middle:  # the floor is the mean of two values of the power
            place = first + (self.clip.power[:, first:] == rank).argmax(axis=1)
            by_power[rows, place] += by_floor / 2
        return by_power

    @property
    def _segment_frames(self) -> int:
        return self.pooling.segment_frames(self.clip.rate, self.clip.n_frames)

    @property
    def _kernel(self) -> Array:
        pooling = self.pooling
        return rhythm_kernel(
            self.clip.n_frames, self.clip.rate, pooling.lowest_hz, pooling.per_octave
        )


def _by_mean_square(half: Array, slopes: Array, kernel: Array) -> Array:
    """Return the gradient by half the bands' prominence at each frequency, over the prominence."""
    mean = np.sqrt(np.square(half).mean(axis=0))
    weights: Array = (slopes / (kernel @ mean)) @ kernel / mean / len(half)
    return weights


def _spread(values: npt.NDArray[N], n_rows: int) -> npt.NDArray[N]:
    """Return the gradient by rows, from that by the means of groups of neighbouring rows."""
    sizes = group_sizes(n_rows, len(values))
    return np.repeat(values / sizes[:, np.newaxis], sizes, axis=0)


def _back_from_spectrum(weighted: npt.NDArray[np.complex128], n_frames: int) -> Array:
    """Return the gradient by the values of bands.

    Parameters
    ----------
    weighted : np.ndarray of complex [shape=(n_bands, n_frames // 2)]
        The spectrum without the frequency 0, times the gradient by its power.
    n_frames : int

    Returns
    -------
    np.ndarray [shape=(n_bands, n_frames)]
    """
    whole = np.zeros((len(weighted), 1 + n_frames // 2), dtype=complex)
    whole[:, 1:] = weighted
    if n_frames % 2 == 0:
        whole[:, -1] *= 2
    gradient: Array = np.fft.irfft(whole, n=n_frames, axis=1)
    gradient *= fluctuation_window(n_frames) * n_frames
    gradient -= gradient.mean(axis=1, keepdims=True)
    return gradient
