"""Clustering of described clips by k-means, and the choice of the number of groups."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MOST_GROUPS = 9
"""Numbers of groups from 1 to this are tried."""
LEAST_GROUP = 3
"""Clips of the smallest group, where the number of groups is chosen."""

_STARTS = 10  # of k-means, of which the best is kept
_MOST_COMPARED = 5000  # clips, for a silhouette
_EQUAL_SILHOUETTE = 0.05  # silhouettes that differ by less are equal


@dataclass(frozen=True)
class Clustering:
    """Clips divided into groups, numbered from 0, from the largest group on.

    Attributes
    ----------
    group : np.ndarray of int [shape=(n_clips,)]
    centroids : np.ndarray [shape=(n_groups, n_components)]
    inertia : float
        Sum of squared distances of the clips to their centroid.
    """

    group: npt.NDArray[np.intp]
    centroids: Array
    inertia: float

    @property
    def smallest(self) -> int:
        """Clips of the smallest group."""
        return int(np.bincount(self.group).min())


def cluster(points: Array, n_groups: int, seed: int) -> Clustering:
    """Divide points [shape=(n_clips, n_components)] into groups by k-means."""
    from stethoscope.diagnosis.scikit import KMeans

    found = KMeans(n_groups, n_init=_STARTS, random_state=seed).fit(points)
    # The order in which k-means numbers groups is random.
    order = np.argsort(-np.bincount(found.labels_, minlength=n_groups), kind="stable")
    return Clustering(
        np.argsort(order)[found.labels_], found.cluster_centers_[order], float(found.inertia_)
    )


def silhouettes(
    points: Array, clusterings: Mapping[int, Clustering], seed: int
) -> dict[int, float]:
    """Return the mean silhouette of clusterings, by number of groups.

    A silhouette compares groups: there is none for a single group, nor for as many groups as clips.
    It compares every clip with every other, so of many clips a random sample is compared.
    """
    from stethoscope.diagnosis.scikit import silhouette_score

    sample = np.random.default_rng(seed).permutation(len(points))[:_MOST_COMPARED]
    return {
        number: float(silhouette_score(points[sample], clustering.group[sample]))
        for number, clustering in clusterings.items()
        if 2 <= len(np.unique(clustering.group[sample])) < len(sample)
    }


def choose_number(clusterings: Mapping[int, Clustering], silhouette: Mapping[int, float]) -> int:
    """Return the number of groups by elbow and silhouette.

    Where possible, all groups have at least :data:`LEAST_GROUP` clips. Fewer are outliers, and are
    too few to train and test on.
    """
    large = {
        number: value
        for number, value in silhouette.items()
        if clusterings[number].smallest >= LEAST_GROUP
    }
    inertia = {number: clustering.inertia for number, clustering in clusterings.items()}
    return elbow_or_highest(inertia, large or silhouette)


def elbow_or_highest(inertia: Mapping[int, float], silhouette: Mapping[int, float]) -> int:
    """Return the number at the elbow of the inertia, or the one with the highest silhouette.

    The elbow is where the inertia lies farthest below the straight line from its first value to its
    last. It is taken if its silhouette is about as high as the highest. Without any silhouette, the
    number is 1.
    """
    if not silhouette:
        return 1
    numbers = np.array(sorted(inertia))
    values = np.array([inertia[number] for number in numbers])
    slope = (values[-1] - values[0]) / max(numbers[-1] - numbers[0], 1)
    line = values[0] + slope * (numbers - numbers[0])
    elbow = int(numbers[np.argmax(line - values)])
    highest = max(silhouette, key=silhouette.__getitem__)
    least = silhouette[highest] - _EQUAL_SILHOUETTE
    return elbow if silhouette.get(elbow, -1.0) >= least else highest
