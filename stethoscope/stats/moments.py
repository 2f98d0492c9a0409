"""Mean and variance of values that come in batches."""

import numpy as np
import numpy.typing as npt


class Moments:
    """Mean and variance by group, over batches that are summed and not kept.

    Parameters
    ----------
    size : int
        Number of values per row.
    n_groups : int
        Number of groups, which are numbered from 0.
    """

    def __init__(self, size: int, n_groups: int = 1) -> None:
        self._count = np.zeros((n_groups, 1))
        self._sum = np.zeros((n_groups, size))
        self._squares = np.zeros((n_groups, size))

    def add(self, rows: npt.NDArray[np.floating], group: int = 0) -> None:
        """Add rows [shape=(n_rows, size)] to a group."""
        values = rows.astype(np.float64)
        self._count[group] += len(values)
        self._sum[group] += values.sum(axis=0)
        self._squares[group] += (values**2).sum(axis=0)

    def mean(self) -> npt.NDArray[np.float64]:
        """Return the means [shape=(n_groups, size)]; every group must have rows."""
        mean: npt.NDArray[np.float64] = self._sum / self._count
        return mean

    def variance(self) -> npt.NDArray[np.float64]:
        """Return the variances, divided by the number of rows [shape=(n_groups, size)]."""
        variance: npt.NDArray[np.float64] = np.maximum(
            self._squares / self._count - self.mean() ** 2, 0.0
        )
        return variance
