"""Scoring by the embedding of a network that distinguishes machines."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.checks import EXPORT_AGAIN, check, fields, items, text, whole
from stethoscope.detection.evidence import Evidence, occlusion
from stethoscope.detection.identity.inputs import STEP, Resolutions
from stethoscope.detection.identity.references import NormalEmbeddings
from stethoscope.detection.scorer import Scorer, candidates
from stethoscope.errors import ModelError
from stethoscope.model.network import Network
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.sampled import SampledLogMel

Float32 = npt.NDArray[np.float32]

RECIPE = 2
"""Version of the way from frames to a score, in ``model.json``; the first version has none."""

_MODEL = fields(
    {
        "machines": items(text(), least=1, distinct=True),
        "window": whole(least=1, most=100_000),
        "score": text("density", "cosine", "mahalanobis"),
    },
    {"recipe": whole(least=1), "spectrum_bins": whole(least=1, most=1_000_000)},
)
_BRANCHES = 4
_DISTANCES = {
    "density": NormalEmbeddings.density_distance,
    "cosine": NormalEmbeddings.cosine_distance,
    "mahalanobis": NormalEmbeddings.mahalanobis_distance,
}


class Embedder(ABC):
    """From the frames of a clip to its embedding [shape=(n_branches, size)], of unit length."""

    @abstractmethod
    def __call__(self, frames: Frames, change: Frames | None = None) -> Float32:
        """Return the embedding of a clip, with `change` added to its bands, in dB."""


@dataclass(frozen=True)
class BranchEmbedder(Embedder):
    """The embedding of a network with a branch per resolution, and one for the spectrum.

    Attributes
    ----------
    network : Network
        Input [shape=(batch, window * n_columns + spectrum_bins)], output
        [shape=(batch, n_branches * size)].
    resolutions : Resolutions
    window : int
        Rows per window.
    n_branches : int
    """

    network: Network
    resolutions: Resolutions
    window: int
    n_branches: int = _BRANCHES

    def __call__(self, frames: Frames, change: Frames | None = None) -> Float32:
        """Return the embedding of a clip: in each branch, the normalised mean over its windows.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, feature.size)]
        change : np.ndarray [shape=(n_frames, n_mels)], optional
            Added to the bands, in all resolutions, in dB.
        """
        outputs = self.network(self.resolutions.of(frames, change).windows(self.window))
        of_windows = unit(outputs.reshape(len(outputs), self.n_branches, -1))
        return unit(of_windows.mean(axis=0))


@dataclass(frozen=True)
class FirstEmbedder(Embedder):
    """The embedding of the first version: one branch, which reads the log-mel spectrogram.

    Attributes
    ----------
    network : Network
        Input [shape=(batch, window, n_mels)], output [shape=(batch, size)].
    window : int
        Frames per window.
    """

    network: Network
    window: int

    def __call__(self, frames: Frames, change: Frames | None = None) -> Float32:
        """Return the normalised mean over the windows.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_mels)]
        change : np.ndarray [shape=(n_frames, n_mels)], optional
            Added to the bands, in dB.
        """
        frames = frames if change is None else frames + change
        outputs = unit(self.network(overlapping_windows(frames, self.window)))
        return unit(outputs.mean(axis=0))[np.newaxis]


class IdClassifierScorer(Scorer):
    """Distance of a clip's embedding from those of the machine's normal clips."""

    def __init__(
        self, embedder: Embedder, references: NormalEmbeddings, distance: str, feature: LogMel
    ) -> None:
        self.embedder = embedder
        self.references = references
        self.distance = _DISTANCES[distance]
        self.feature = feature
        self.min_frames = 1 if isinstance(embedder, FirstEmbedder) else STEP

    @classmethod
    def open(cls, folder: Path, model: dict[str, Any], feature: LogMel) -> Self:
        """Read the network and the embeddings of normal clips.

        Raises
        ------
        ModelError
            If the recipe is unknown, or the model is damaged.
        """
        check(folder / "model.json", model, _MODEL)
        embedder = _open_embedder(folder, model, feature)
        branches = _BRANCHES if isinstance(embedder, BranchEmbedder) else None
        references = NormalEmbeddings.open(
            folder / "references.npz", tuple(model["machines"]), feature.n_mels, branches
        )
        return cls(embedder, references, model["score"], feature)

    def score(self, frames: Frames, machine: str) -> float:
        """Return the distance.

        An id that is not known is scored as each known id of its type; the lowest score counts.
        """
        return self._score(frames, machine)[0]

    def evidence(self, frames: Frames, machine: str) -> Evidence:
        """Return by how much the score falls if a place is replaced by what is usual.

        The embedding has no positions in time or frequency, so the network is applied again.
        """
        _, index = self._score(frames, machine)
        name = self.references.machines[index]
        bands = frames[:, : self.feature.n_mels]

        def score(changed: Frames) -> float:
            return self._score(frames, name, changed - bands)[0]

        return occlusion(score, bands, self.references.spectra, index)

    def _score(
        self, frames: Frames, machine: str, change: Frames | None = None
    ) -> tuple[float, int]:
        machines = self.references.machines
        embedding = self.embedder(frames, change)
        if embedding.shape != self.references.embeddings.shape[1:]:
            raise ModelError(
                f"the network of the id-classifier answers {embedding.shape}, not as many values "
                f"as the embeddings of normal clips have; {EXPORT_AGAIN}"
            )
        places = [machines.index(one) for one in candidates(machines, machine)]
        return min((self.distance(self.references, embedding, one), one) for one in places)


def _open_embedder(folder: Path, model: Mapping[str, Any], feature: LogMel) -> Embedder:
    recipe, window = model.get("recipe", 1), model["window"]
    path = folder / "embedding.tflite"
    if recipe == 1:
        return FirstEmbedder(Network(path, (None, window, feature.n_mels)), window)
    if recipe != RECIPE or not isinstance(feature, SampledLogMel):
        raise ModelError(
            f"the model is of recipe {recipe!r} of id-classifier with the feature {feature.kind}, "
            f"this version reads 1, and {RECIPE} with {SampledLogMel.kind}; "
            "install the version that wrote it"
        )
    if "spectrum_bins" not in model or window % STEP:
        raise ModelError(
            f"{folder / 'model.json'}: has no spectrum_bins, or a window that is no multiple of "
            f"{STEP}; {EXPORT_AGAIN}"
        )
    resolutions = Resolutions(feature, model["spectrum_bins"])
    size = window * resolutions.n_columns + resolutions.spectrum_bins
    return BranchEmbedder(Network(path, (None, size)), resolutions, window)


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


def unit(vectors: Float32) -> Float32:
    """Return vectors along the last axis at unit length."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Float32 = vectors / np.maximum(length, np.float32(1e-12))
    return scaled
