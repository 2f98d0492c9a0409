"""Scoring by the embedding of a network that distinguishes machines."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.checks import EXPORT_AGAIN, check, fields, items, text, whole
from stethoscope.detection.evidence import Evidence, occlusion
from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.scorer import Scorer, candidates
from stethoscope.detection.spectra import NormalSpectra
from stethoscope.errors import ModelError
from stethoscope.model.arrays import floats, indices, read_arrays
from stethoscope.model.network import Network
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel

Float32 = npt.NDArray[np.float32]

_MODEL = fields(
    {
        "machines": items(text(), least=1, distinct=True),
        "score": text("cosine", "mahalanobis"),
        "window": whole(least=1, most=100_000),
    }
)
_ARRAYS = {
    "embeddings": floats("clips", "size"),
    "means": floats("machines", "size"),
    "precision": floats("size", "size"),
    "frame_mean": floats("machines", "bands"),
    "frame_variance": floats("machines", "bands", least=0),
}

NEIGHBOURS = 2
"""Nearest normal clips whose distance is averaged."""


@dataclass(frozen=True)
class NormalEmbeddings:
    """Embeddings of normal clips.

    Attributes
    ----------
    machines : tuple of str
        Type and id.
    embeddings : np.ndarray [shape=(n_clips, size)]
        Of unit length.
    owners : np.ndarray of int [shape=(n_clips,)]
        Machine of each.
    gaussians : Gaussians
        Of the embeddings, one per machine.
    spectra : NormalSpectra
        Of the machines.
    """

    machines: tuple[str, ...]
    embeddings: Float32
    owners: npt.NDArray[np.intp]
    gaussians: Gaussians
    spectra: NormalSpectra

    def cosine_distance(self, embedding: Float32, machine: int) -> float:
        """Return the mean cosine distance, 0 to 2, from the nearest normal clips of a machine."""
        distances = np.sort(1.0 - self.embeddings[self.owners == machine] @ embedding)
        return float(distances[:NEIGHBOURS].mean(dtype=np.float64))

    def mahalanobis_distance(self, embedding: Float32, machine: int) -> float:
        """Return the squared Mahalanobis distance from a machine's mean."""
        return float(self.gaussians.squared_distances(embedding, machine))

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
        )

    @classmethod
    def open(cls, path: Path, machines: tuple[str, ...], bands: int) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        ModelError
            If an array is missing or does not fit, or a machine has no embedding.
        """
        declared = {**_ARRAYS, "owners": indices("clips", below=len(machines))}
        numbers = read_arrays(path, declared, machines=len(machines), bands=bands)
        if len(set(numbers["owners"].tolist())) < len(machines):
            raise ModelError(f"{path}: owners leaves out a machine; {EXPORT_AGAIN}")
        return cls(
            machines,
            numbers["embeddings"],
            numbers["owners"],
            Gaussians(numbers["means"], numbers["precision"]),
            NormalSpectra(numbers["frame_mean"], numbers["frame_variance"]),
        )


class IdClassifierScorer(Scorer):
    """Distance of a clip's embedding from those of the machine's normal clips."""

    min_frames = 1

    def __init__(
        self,
        network: Network,
        references: NormalEmbeddings,
        window: int,
        distance: str,
        feature: LogMel,
    ) -> None:
        self.network = network
        self.references = references
        self.window = window
        self.distance = (
            NormalEmbeddings.cosine_distance
            if distance == "cosine"
            else NormalEmbeddings.mahalanobis_distance
        )
        self.feature = feature

    @classmethod
    def open(cls, folder: Path, model: dict[str, Any], feature: LogMel) -> Self:
        """Read the network and the embeddings of normal clips."""
        check(folder / "model.json", model, _MODEL)
        references = NormalEmbeddings.open(
            folder / "references.npz", tuple(model["machines"]), feature.n_mels
        )
        return cls(
            Network(folder / "embedding.tflite", (None, model["window"], feature.n_mels)),
            references,
            model["window"],
            model["score"],
            feature,
        )

    def score(self, frames: Frames, machine: str) -> float:
        """Return the distance.

        An id that is not known is scored as each known id of its type; the lowest score counts.
        """
        return self._score(frames, machine)[0]

    def evidence(self, frames: Frames, machine: str) -> Evidence:
        """Return by how much the score falls if a place is replaced by what is usual.

        The embedding has no positions in time or frequency, so the network is asked again.
        """
        _, index = self._score(frames, machine)
        name = self.references.machines[index]
        spectra = self.references.spectra
        return occlusion(lambda changed: self.score(changed, name), frames, spectra, index)

    def _score(self, frames: Frames, machine: str) -> tuple[float, int]:
        machines = self.references.machines
        embedding = embed(self.network, frames, self.window)
        if embedding.shape != self.references.embeddings.shape[1:]:
            raise ModelError(
                f"the network of the id-classifier answers {embedding.shape}, not as many values "
                f"as the embeddings of normal clips have; {EXPORT_AGAIN}"
            )
        places = [machines.index(one) for one in candidates(machines, machine)]
        return min((self.distance(self.references, embedding, one), one) for one in places)


def embed(network: Network, frames: Frames, window: int) -> Float32:
    """Return the embedding of a clip, the normalised mean over its windows.

    Parameters
    ----------
    network : Network
        Input [shape=(batch, window, n_mels)], output [shape=(batch, size)].
    frames : np.ndarray [shape=(n_frames, n_mels)]
    window : int
        Frames per window.

    Returns
    -------
    np.ndarray [shape=(size,)]
        Of unit length.
    """
    outputs = _unit(network(overlapping_windows(frames, window)))
    return _unit(outputs.mean(axis=0))


def overlapping_windows(frames: Frames, window: int) -> Frames:
    """Cut a clip into windows that cover it; each shares half of its frames with the next.

    A clip shorter than a window is repeated.

    Returns
    -------
    np.ndarray [shape=(n_windows, window, n_mels)]
    """
    if len(frames) < window:
        frames = np.resize(frames, (window, frames.shape[1]))
    last = len(frames) - window
    starts = np.linspace(0, last, 1 + -(-last // max(1, window // 2))).round().astype(int)
    return np.stack([frames[start : start + window] for start in starts])


def _unit(vectors: Float32) -> Float32:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Float32 = vectors / np.maximum(length, np.float32(1e-12))
    return unit
