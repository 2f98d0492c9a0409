"""The Ledoit-Wolf covariance, batch by batch."""

from typing import Self

import numpy as np
import numpy.typing as npt

_FLOOR = 1e-6  # added to the variances: values that never change would leave nothing to invert


class Covariance:
    """Covariance of centred vectors, shrunk towards a multiple of the identity as far as their
    number demands.

    Vectors come in batches and are not kept: only their sums are.

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
        """Take vectors whose mean is zero [shape=(n_vectors, size)]."""
        values = np.asarray(centred, dtype=np.float64)
        self._count += len(values)
        self._products += values.T @ values
        self._fourth += float((np.einsum("ij,ij->i", values, values) ** 2).sum())
        return self

    def shrunk(self) -> npt.NDArray[np.float64]:
        """Return the covariance [shape=(size, size)]."""
        size = len(self._products)
        sample = self._products / self._count
        variance = float(np.trace(sample)) / size
        squares = float((sample**2).sum())
        distance = squares - size * variance**2  # of the sample covariance from the target, squared
        error = min((self._fourth / self._count - squares) / self._count, distance)
        shrinkage = error / distance if distance > 0 else 1.0
        shrunk: npt.NDArray[np.float64] = (1 - shrinkage) * sample + (
            shrinkage * variance + _FLOOR
        ) * np.eye(size)
        return shrunk

    def precision(self) -> npt.NDArray[np.float64]:
        """Return the inverse of the covariance [shape=(size, size)]."""
        return np.asarray(np.linalg.inv(self.shrunk()), dtype=np.float64)
