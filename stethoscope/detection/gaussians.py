"""Gaussians of machines that share a covariance, which is estimated after Ledoit and Wolf."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_LEAST_VARIANCE = 1e-6  # added to variances: the covariance of constant values has no inverse
_LEAST_DISTANCE = 1e-12


@dataclass(frozen=True)
class Gaussians:
    """Normal distributions of several machines that share one covariance.

    Attributes
    ----------
    means : np.ndarray [shape=(n_machines, n_values)]
    precision : np.ndarray [shape=(n_values, n_values)]
        Inverse of the covariance.
    """

    means: Array
    precision: Array

    def squared_distances(self, values: npt.NDArray[np.floating], machine: int) -> Array:
        """Return squared Mahalanobis distances from a machine's mean.

        Parameters
        ----------
        values : np.ndarray [shape=(..., n_values)]
        machine : int
            Index of the machine.

        Returns
        -------
        np.ndarray [shape=(...)]
        """
        centred = values - self.means[machine]
        distances: Array = np.einsum("...i,...i->...", centred @ self.precision, centred)
        return distances

    def levels(self, segments: npt.NDArray[np.floating], machine: int, quantile: float) -> Array:
        """Return the logarithm of a quantile over the segments' squared distances.

        Parameters
        ----------
        segments : np.ndarray [shape=(..., n_segments, n_values)]
        machine : int
            Index of the machine.
        quantile : float

        Returns
        -------
        np.ndarray [shape=(...)]
        """
        distances = self.squared_distances(segments, machine)
        if distances.shape[-1] == 1:
            distances = distances[..., 0]
        else:
            distances = _quantile(distances, quantile)
        levels: Array = np.log(np.maximum(distances, _LEAST_DISTANCE))
        return levels


def _quantile(values: Array, fraction: float) -> Array:
    """Return a quantile along the last axis, as ``np.quantile``, which takes longer on few values.

    It is interpolated between neighbouring ranks.
    """
    ranked = np.sort(values, axis=-1)
    place = fraction * (values.shape[-1] - 1)
    rank = min(int(place), values.shape[-1] - 2)
    quantile: Array = ranked[..., rank] + (place - rank) * (
        ranked[..., rank + 1] - ranked[..., rank]
    )
    return quantile


def fit_gaussians(
    segments: Sequence[npt.NDArray[np.float32]],
    owners: npt.NDArray[np.intp],
    n_machines: int,
    *,
    least_deviation: float | None = None,
) -> Gaussians:
    """Fit a mean per machine and a covariance of all, from the segments of clips.

    Parameters
    ----------
    segments : sequence of np.ndarray [shape=(n_segments, n_values)]
        Of each clip.
    owners : np.ndarray of int [shape=(n_clips,)]
        Machine of each clip, from 0.
    n_machines : int
    least_deviation : float, optional
        If given, every value is divided by its standard deviation plus this number while the
        covariance is shrunk. Otherwise shrinkage makes the variances of all values more alike,
        which is wrong where they differ much. The number limits the weight of values that hardly
        vary.
    """
    size = segments[0].shape[1]
    means, residuals = np.empty((n_machines, size)), []
    for machine in range(n_machines):
        clips = np.flatnonzero(owners == machine).tolist()
        values = np.concatenate([segments[clip] for clip in clips]).astype(np.float64)
        means[machine] = values.mean(axis=0)
        residuals.append(values - means[machine])
    units = np.ones(size)
    if least_deviation is not None:
        squares = sum((one**2).sum(axis=0) for one in residuals)
        units = np.sqrt(squares / sum(map(len, residuals))) + least_deviation
    covariance = Covariance(size)
    for one in residuals:
        covariance.add(one / units)
    return Gaussians(means, covariance.precision() / np.outer(units, units))


class Covariance:
    """Covariance of centred vectors, shrunk towards a multiple of the identity.

    The fewer the vectors, the more it is shrunk. Vectors come in batches of which only sums are
    kept: all vectors of a training do not fit into memory, which scikit-learn's ``LedoitWolf``
    would need. The tests compare both.

    References
    ----------
    O. Ledoit and M. Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
    Journal of Multivariate Analysis 88, 2004.
    """

    def __init__(self, size: int) -> None:
        self._count = 0
        self._products = np.zeros((size, size))
        self._fourth = 0.0

    def add(self, centred: npt.NDArray[np.floating]) -> Self:
        """Add vectors whose mean is zero [shape=(n_vectors, size)]."""
        values = np.asarray(centred, dtype=np.float64)
        self._count += len(values)
        self._products += values.T @ values
        self._fourth += float((np.einsum("ij,ij->i", values, values) ** 2).sum())
        return self

    def shrunk(self) -> Array:
        """Return the covariance [shape=(size, size)]."""
        size = len(self._products)
        sample = self._products / self._count
        variance = float(np.trace(sample)) / size
        squares = float((sample**2).sum())
        distance = squares - size * variance**2  # of the sample covariance from the target, squared
        error = min((self._fourth / self._count - squares) / self._count, distance)
        shrinkage = error / distance if distance > 0 else 1.0
        shrunk: Array = (1 - shrinkage) * sample + (
            shrinkage * variance + _LEAST_VARIANCE
        ) * np.eye(size)
        return shrunk

    def precision(self) -> Array:
        """Return the inverse of the covariance [shape=(size, size)]."""
        return np.asarray(np.linalg.inv(self.shrunk()), dtype=np.float64)
