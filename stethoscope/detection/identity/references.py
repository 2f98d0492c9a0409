"""Embeddings of normal clips, and distances from them. NumPy only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.checks import EXPORT_AGAIN
from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.spectra import NormalSpectra
from stethoscope.errors import ModelError
from stethoscope.model.arrays import floats, indices, read_arrays

Float32 = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

_ARRAYS = {
    "means": floats("machines", "values"),
    "precision": floats("values", "values"),
    "frame_mean": floats("machines", "bands"),
    "frame_variance": floats("machines", "bands", least=0),
}

NEIGHBOURS = 2
"""Nearest normal clips whose cosine distance is averaged."""

_MOST_NEIGHBOURS = 8  # that the local density is estimated from
_EXIT = (
    2.0  # a neighbour this many times as far as the mean of the nearer ones is of another cluster
)
_LEAST_RATIO = 1e-3  # added before the logarithm, for a clip that equals a normal one
_LEAST_SPREAD = 1e-3  # cosine distance; embeddings of equal clips have none


@dataclass(frozen=True)
class NormalEmbeddings:
    """Embeddings of normal clips.

    Attributes
    ----------
    machines : tuple of str
        Type and id.
    embeddings : np.ndarray [shape=(n_clips, n_branches, size)]
        Those of each branch are of unit length. The first version has one branch.
    owners : np.ndarray of int [shape=(n_clips,)]
        Machine of each.
    gaussians : Gaussians
        Of all branches together, one per machine.
    spectra : NormalSpectra
        Of the machines.
    spreads : np.ndarray [shape=(n_clips, n_branches)]
        Mean distance of a clip's nearest neighbours from it (:func:`local_spreads`). Ones in the
        first version.
    """

    machines: tuple[str, ...]
    embeddings: Float32
    owners: Indices
    gaussians: Gaussians
    spectra: NormalSpectra
    spreads: Float32

    def density_distance(self, embedding: Float32, machine: int) -> float:
        """Return how far the nearest normal clips of a machine are, in units of their spread.

        In every branch, the distance from a normal clip is divided by the mean distance of its own
        neighbours, and the least such ratio is taken. A clip among scattered normal clips is then
        no more anomalous than a clip among close ones. The result is the mean of the logarithms
        over the branches: one that normal clips vary much in cannot outvote the others.

        Parameters
        ----------
        embedding : np.ndarray [shape=(n_branches, size)]
        machine : int
            Index of the machine.

        References
        ----------
        K. Wilkinghoff et al., "Local density-based anomaly score normalization for domain
        generalization", 2025.
        """
        own = self.owners == machine
        ratios = cosine_distances(embedding, self.embeddings[own]) / self.spreads[own]
        nearest = np.maximum(ratios.min(axis=0), 0.0).astype(np.float64)
        return float(np.log(nearest + _LEAST_RATIO).mean())

    def cosine_distance(self, embedding: Float32, machine: int) -> float:
        """Return the mean cosine distance, 0 to 2, from the nearest normal clips of a machine."""
        distances = cosine_distances(embedding, self.embeddings[self.owners == machine])
        nearest = np.sort(distances.mean(axis=1, dtype=distances.dtype))[:NEIGHBOURS]
        return float(nearest.mean(dtype=np.float64))

    def mahalanobis_distance(self, embedding: Float32, machine: int) -> float:
        """Return the squared Mahalanobis distance from a machine's mean."""
        return float(self.gaussians.squared_distances(embedding.ravel(), machine))

    def save(self, path: Path) -> None:
        """Write the numbers (``.npz``); the names of the machines are kept by the caller."""
        np.savez(
            path,
            embeddings=self.embeddings,
            owners=self.owners,
            means=self.gaussians.means,
            precision=self.gaussians.precision,
            frame_mean=self.spectra.mean,
            frame_variance=self.spectra.variance,
            spreads=self.spreads,
        )

    @classmethod
    def open(cls, path: Path, machines: tuple[str, ...], bands: int, branches: int | None) -> Self:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : Path
        machines : tuple of str
        bands : int
            Of the spectra.
        branches : int or None
            Of the embeddings; None for the first version, which wrote neither branches nor spreads.

        Raises
        ------
        ModelError
            If an array is missing or does not fit, or a machine has no embedding.
        """
        declared = {**_ARRAYS, "owners": indices("clips", below=len(machines))}
        if branches is None:
            declared["embeddings"] = floats("clips", "values")
        else:
            declared["embeddings"] = floats("clips", branches, "size")
            declared["spreads"] = floats("clips", branches, above=0)
        numbers = read_arrays(path, declared, machines=len(machines), bands=bands)
        if len(set(numbers["owners"].tolist())) < len(machines):
            raise ModelError(f"{path}: owners leaves out a machine; {EXPORT_AGAIN}")
        embeddings = numbers["embeddings"]
        if branches is None:
            embeddings = embeddings[:, np.newaxis]
        if embeddings[0].size != numbers["means"].shape[1]:
            raise ModelError(f"{path}: means are of another size than embeddings; {EXPORT_AGAIN}")
        return cls(
            machines,
            embeddings,
            numbers["owners"],
            Gaussians(numbers["means"], numbers["precision"]),
            NormalSpectra(numbers["frame_mean"], numbers["frame_variance"]),
            numbers.get("spreads", np.ones(embeddings.shape[:2], dtype=np.float32)),
        )


def cosine_distances(embedding: Float32, others: Float32) -> Float32:
    """Return the distances of an embedding from others in every branch.

    Parameters
    ----------
    embedding : np.ndarray [shape=(n_branches, size)]
    others : np.ndarray [shape=(n_others, n_branches, size)]

    Returns
    -------
    np.ndarray [shape=(n_others, n_branches)]
        0 to 2.
    """
    distances: Float32 = 1.0 - np.einsum("obs,bs->ob", others, embedding)
    return distances


def local_spreads(embeddings: Float32, owners: Indices, sessions: npt.NDArray[np.str_]) -> Float32:
    """Return the mean distance of every normal clip from its nearest neighbours.

    The neighbours are of the same machine. Where a machine has several recording sessions, they are
    of other sessions: clips of one session are closer to each other than to any clip of a session
    to come. The nearest eight are used, but only up to the first that is twice as far as the mean
    of the nearer ones; it belongs to another cluster.

    Parameters
    ----------
    embeddings : np.ndarray [shape=(n_clips, n_branches, size)]
    owners : np.ndarray of int [shape=(n_clips,)]
        Machine of each clip.
    sessions : np.ndarray of str [shape=(n_clips,)]
        Recording session of each clip within its machine.

    Returns
    -------
    np.ndarray [shape=(n_clips, n_branches), dtype=float32]
        The mean of all where a machine has a single clip.

    References
    ----------
    K. Wilkinghoff et al., "Mind the gap: detecting cluster exits for robust local density-based
    score normalization in anomalous sound detection", 2026.
    """
    spreads = np.full(embeddings.shape[:2], np.nan, dtype=np.float32)
    for clip, (owner, session) in enumerate(zip(owners, sessions, strict=True)):
        same = owners == owner
        others = same & (sessions != session)
        if not others.any():
            others = same
            others[clip] = False
        if others.any():
            distances = np.sort(cosine_distances(embeddings[clip], embeddings[others]), axis=0)
            spreads[clip] = [_before_exit(one).mean() for one in distances[:_MOST_NEIGHBOURS].T]
    missing = np.isnan(spreads)
    spreads[missing] = 1.0 if missing.all() else np.nanmean(spreads)
    return np.maximum(spreads, np.float32(_LEAST_SPREAD))


def _before_exit(distances: Float32) -> Float32:
    """Return the distances of neighbours, in increasing order, that lie in the same cluster."""
    for count in range(1, len(distances)):
        if distances[count] > _EXIT * max(distances[:count].mean(), _LEAST_SPREAD):
            return distances[:count]
    return distances
