"""Whether a clip resembles a known fault: the direction of its deviation from normal. NumPy only.

A fault changes the sound of a machine in a direction of its own, and a mild fault changes it less
than a severe one, but in the same direction. A clip is therefore compared with the groups of faults
by the angle between its deviation and theirs, not by the distance between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.gaussians import fit_gaussians
from stethoscope.model.arrays import floats, read_arrays

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

MEMBERS_BEYOND = 0.08
"""Fraction of a group's own clips that are expected to lie beyond its limit."""

OWN_LIMIT = 20
"""Clips from which on a group has a limit of its own; smaller groups share one."""

_FILE = "known_faults.npz"
_FOLDS = 5
_LEAST_DEVIATION = 0.05  # dB; limits the weight of values that hardly vary
_LEAST_LIMIT = 1e-3
_LEAST_LENGTH = 1e-12


@dataclass(frozen=True)
class KnownFaults:
    """The direction in which each group of faults deviates from normal.

    Attributes
    ----------
    means : np.ndarray [shape=(1 + n_groups, n_values)]
        Mean description of normal clips, and of the clips of every group.
    precision : np.ndarray [shape=(n_values, n_values)]
        Inverse of the covariance of descriptions within normal clips and within groups.
    limits : np.ndarray [shape=(n_groups,)]
        Distance that few of a group's own clips exceed.
    """

    means: Array
    precision: Array
    limits: Array

    def distances(self, descriptions: npt.NDArray[np.floating]) -> Array:
        """Return how far descriptions lie from each group, as 1 - cos of the angle.

        Angles are measured where descriptions of equal class have a variance of 1 in every
        direction.

        Parameters
        ----------
        descriptions : np.ndarray [shape=(..., n_values)]

        Returns
        -------
        np.ndarray [shape=(..., n_groups)]
            From 0, the same direction, to 2, the opposite one.
        """
        clips, groups = descriptions - self.means[0], self.means[1:] - self.means[0]
        weighted = groups @ self.precision
        squares = np.einsum("...i,...i->...", clips @ self.precision, clips)
        lengths = np.sqrt(squares)[..., np.newaxis] * np.sqrt((weighted * groups).sum(axis=1))
        cosines: Array = (clips @ weighted.T) / np.maximum(lengths, _LEAST_LENGTH)
        return 1.0 - cosines

    def relative_distance(self, description: npt.NDArray[np.floating]) -> float:
        """Return the distance from the nearest group, divided by its limit.

        A clip above 1 lies farther from all groups than their own members.

        Parameters
        ----------
        description : np.ndarray [shape=(n_values,)]
        """
        return float((self.distances(description) / self.limits).min())

    def write(self, folder: Path) -> None:
        """Write the numbers into a model folder."""
        np.savez(folder / _FILE, means=self.means, precision=self.precision, limits=self.limits)

    @classmethod
    def read(cls, folder: Path, *, n_groups: int, n_values: int) -> Self | None:
        """Read what :meth:`write` wrote; None if the folder has none, as those of old versions.

        Raises
        ------
        ModelError
            If it is damaged, or not for so many groups and values.
        """
        path = folder / _FILE
        if not path.is_file():
            return None
        declared = {
            "means": floats("classes", "values"),
            "precision": floats("values", "values"),
            "limits": floats("groups", above=0),
        }
        sizes = {"classes": 1 + n_groups, "groups": n_groups, "values": n_values}
        return cls(**read_arrays(path, declared, **sizes))


def fit_known_faults(
    descriptions: Array, classes: Indices, recordings: Sequence[str]
) -> KnownFaults | None:
    """Fit directions and limits to clips whose group is known.

    The limits come from distances of clips to their own group, fitted without their recording:
    clips lie nearer to a group that they were fitted in.

    Parameters
    ----------
    descriptions : np.ndarray [shape=(n_clips, n_values)]
        Mean frame of every clip, as a deviation from the normal clips of its machine.
    classes : np.ndarray of int [shape=(n_clips,)]
        0 for normal clips, from 1 the group.
    recordings : sequence of str
        Recording of every clip; clips of a recording are fitted together.

    Returns
    -------
    KnownFaults or None
        None if no group has two recordings, so that there are no limits.
    """
    n_groups = int(classes.max())
    fold = _folds(classes, recordings)
    own = np.full(len(classes), np.nan)
    for part in range(_FOLDS):
        left_out = (fold == part) & (classes > 0)
        fitted = fold != part
        if left_out.any() and len(np.unique(classes[fitted])) == 1 + n_groups:
            distances = _fit(descriptions[fitted], classes[fitted]).distances(
                descriptions[left_out]
            )
            own[left_out] = distances[np.arange(len(distances)), classes[left_out] - 1]
    measured = np.isfinite(own)
    if not measured.any():
        return None
    shared = _limit(own[measured])
    groups = [own[measured & (classes == group)] for group in range(1, 1 + n_groups)]
    limits = [_limit(one) if len(one) >= OWN_LIMIT else shared for one in groups]
    return replace(_fit(descriptions, classes), limits=np.array(limits))


def _fit(descriptions: Array, classes: Indices) -> KnownFaults:
    """Return the directions, without limits."""
    n_classes = int(classes.max()) + 1
    values = list(descriptions.astype(np.float32)[:, np.newaxis])
    gaussians = fit_gaussians(values, classes, n_classes, least_deviation=_LEAST_DEVIATION)
    return KnownFaults(gaussians.means, gaussians.precision, np.empty(0))


def _folds(classes: Indices, recordings: Sequence[str]) -> Indices:
    """Return the fold of every clip; the recordings of a class are dealt to the folds in turn."""
    fold = np.empty(len(classes), dtype=np.intp)
    for number in np.unique(classes):
        own = np.flatnonzero(classes == number)
        _, place = np.unique(np.asarray(recordings)[own], return_inverse=True)
        fold[own] = place % _FOLDS
    return fold


def _limit(distances: Array) -> float:
    """Return the distance that a new member exceeds with a chance of :data:`MEMBERS_BEYOND`.

    It is the rank of split conformal prediction; of too few distances it is the largest.
    """
    rank = int(np.ceil((len(distances) + 1) * (1 - MEMBERS_BEYOND) - 1e-9))
    return max(float(np.sort(distances)[min(rank, len(distances)) - 1]), _LEAST_LIMIT)
