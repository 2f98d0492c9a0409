"""The gradient of the score of pooled-gmm with respect to the frames of a clip. NumPy only.

It is computed backwards from the score, view by view, through the Gaussians and the pooling. The
tests compare it with differences of scores.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.pooled.first_version import FirstPooling
from stethoscope.detection.pooled.pooling import (
    LEAST_POWER,
    Array,
    Pooling,
    fluctuation_spectrum,
    fluctuation_window,
    grouped_means,
    rhythm_kernel,
)
from stethoscope.sound.definition import Frames

AnyPooling = Pooling | FirstPooling
_LEAST = 1e-12


def score_gradient(
    frames: Frames,
    rate: float,
    pooling: AnyPooling,
    gaussians: Mapping[str, Gaussians],
    machine: int,
    slopes: Mapping[str, float],
) -> Array:
    """Return how the score of a clip changes with each value of its frames.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, n_bands)]
    rate : float
        Frames per second.
    pooling : Pooling or FirstPooling
    gaussians : mapping of str to Gaussians
        By view.
    machine : int
        Index of the machine that the clip is scored as.
    slopes : mapping of str to float
        Change of the score with the logarithm of the squared distance in each view.

    Returns
    -------
    np.ndarray [shape=(n_frames, n_bands)]
    """
    values = np.asarray(frames, dtype=np.float64)
    clip = _Clip(values, grouped_means(values, pooling.bands), rate, pooling)
    views = pooling(frames, rate)
    by_view = {
        view: slopes[view] * _distance_gradient(pooling, view, segments, gaussians[view], machine)
        for view, segments in views.items()
    }
    coarse = clip.back_from_steady(by_view["steady"][0], _level_slope(pooling, by_view))
    coarse += clip.back_from_means(by_view["mean"])
    coarse += clip.back_from_events(by_view["events"])
    if isinstance(pooling, Pooling):
        coarse += clip.back_from_modulation(by_view["modulation"][0], pooling.modulation_bands)
    sizes = _sizes(values.shape[1], coarse.shape[1])
    gradient: Array = np.repeat(coarse / sizes, sizes, axis=1)
    gradient += clip.back_from_rhythm(by_view["rhythm"][0])
    return gradient


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
class _Clip:
    """The values of a clip, in coarse bands too [shape=(n_frames, n_bands)], and its pooling."""

    values: Array
    coarse: Array
    rate: float
    pooling: AnyPooling

    def back_from_steady(self, slopes: Array, level_slope: float) -> Array:
        """Return the gradient by the quietest frames of every band, and by their mean, the level.

        `slopes` are those of the values of `steady`, before the level is subtracted.
        """
        count = max(1, round(self.pooling.quiet_share * len(self.coarse)))
        quiet = np.argpartition(self.coarse, count - 1, axis=0)[:count]
        gradient = np.zeros_like(self.coarse)
        np.put_along_axis(gradient, quiet, (slopes + level_slope / len(slopes)) / count, axis=0)
        return gradient

    def back_from_means(self, slopes: Array) -> Array:
        """Return the gradient by the mean spectra of the segments."""
        length = self._segment_frames
        hop = max(1, round(self.pooling.hop_seconds * self.rate))
        gradient = np.zeros_like(self.coarse)
        for number in np.flatnonzero(slopes.any(axis=1)).tolist():
            gradient[number * hop : number * hop + length] += slopes[number] / length
        return gradient

    def back_from_events(self, slopes: Array) -> Array:
        """Return the gradient by the ranked frames of the segments."""
        length = self._segment_frames
        weights = self.pooling.event_order ** np.arange(length)
        weights /= weights.sum()
        gradient = np.zeros_like(self.coarse)
        for number, slope in enumerate(slopes):
            segment = slice(number * length, (number + 1) * length)
            ranks = np.argsort(-self.coarse[segment], axis=0)
            np.put_along_axis(gradient[segment], ranks, weights[:, np.newaxis] * slope, axis=0)
        return gradient

    def back_from_modulation(self, slopes: Array, n_groups: int) -> Array:
        """Return the gradient by the modulation power of groups of bands."""
        spectrum = fluctuation_spectrum(self.coarse)
        kernel, power = self._kernel(spectrum)
        groups = grouped_means(power, n_groups)
        by_group = kernel.T @ (slopes.reshape(groups.shape[1], -1).T / (kernel @ groups))
        sizes = _sizes(self.coarse.shape[1], groups.shape[1])
        return _back_from_power(
            spectrum, np.repeat(by_group / sizes, sizes, axis=1), len(self.coarse)
        )

    def back_from_rhythm(self, slopes: Array) -> Array:
        """Return the gradient by the prominence of rhythms, in all bands."""
        spectrum = fluctuation_spectrum(self.values)
        kernel, power = self._kernel(spectrum)
        hz = self._hz
        audible = np.flatnonzero(hz >= min(1.0, hz[-1]))
        floor = np.median(power[audible], axis=0)
        prominence = power / floor
        n_bands = self.values.shape[1]
        halves = [half for half in np.array_split(np.arange(n_bands), 2) if half.size]
        by_prominence = np.empty_like(power)
        for half, slope in zip(halves, slopes.reshape(len(halves), -1), strict=True):
            mean = np.sqrt((prominence[:, half] ** 2).mean(axis=1))
            by_mean = kernel.T @ (slope / (kernel @ mean))
            by_prominence[:, half] = (by_mean / mean / len(half))[:, np.newaxis] * prominence[
                :, half
            ]
        by_power = by_prominence / floor
        by_floor = -(by_prominence * prominence).sum(axis=0) / floor
        order = np.argsort(power[audible], axis=0)
        middle = (
            [len(audible) // 2] if len(audible) % 2 else [len(audible) // 2 - 1, len(audible) // 2]
        )
        for rank in middle:
            by_power[audible[order[rank]], np.arange(n_bands)] += by_floor / len(middle)
        return _back_from_power(spectrum, by_power, len(self.values))

    @property
    def _segment_frames(self) -> int:
        return self.pooling.segment_frames(self.rate, len(self.values))

    @property
    def _hz(self) -> Array:
        hz: Array = np.fft.rfftfreq(len(self.values), 1 / self.rate)[1:].astype(np.float64)
        return hz

    def _kernel(self, spectrum: npt.NDArray[np.complex128]) -> tuple[Array, Array]:
        """Return the weights of frequencies in rhythms, and the power of a spectrum."""
        pooling = self.pooling
        kernel = rhythm_kernel(self._hz, self.rate, pooling.lowest_hz, pooling.per_octave)
        return kernel, np.abs(spectrum[1:]) ** 2 + LEAST_POWER


def _back_from_power(spectrum: npt.NDArray[np.complex128], slopes: Array, n_frames: int) -> Array:
    """Return the gradient by the power of the fluctuation [shape=(n_frequencies, n_bands)]."""
    weighted = np.zeros_like(spectrum)
    weighted[1:] = slopes * spectrum[1:] * n_frames
    if n_frames % 2 == 0:
        weighted[-1] *= 2
    fluctuation = np.fft.irfft(weighted, n=n_frames, axis=0) * fluctuation_window(n_frames)
    gradient: Array = fluctuation - fluctuation.mean(axis=0)
    return gradient


def _sizes(n_bands: int, n_groups: int) -> npt.NDArray[np.intp]:
    """Return the number of bands in each group of neighbouring ones."""
    return np.array([len(part) for part in np.array_split(np.arange(n_bands), n_groups)])
