"""From frames to a score: the half of every detector that is deployed, in numpy and LiteRT.

A detector (:mod:`stethoscope.detection.registry`) is fitted and writes a model folder; its scorer
reads that folder. Evaluation, prediction and the service all score through here, from the same
files.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from stethoscope.errors import ModelError
from stethoscope.files import read_json
from stethoscope.machines import type_of
from stethoscope.model.folder import read_description
from stethoscope.sound.logmel import Frames, LogMel

T = TypeVar("T")


class Scorer(ABC):
    """Scores clips: the higher, the more anomalous.

    Attributes
    ----------
    kind : str
        Name of the detector.
    feature : LogMel
        What the clips' frames must be.
    min_frames : int
        Shortest clip that can be scored, in frames.
    """

    kind: ClassVar[str]
    feature: LogMel
    min_frames: int

    @classmethod
    @abstractmethod
    def open(cls, folder: Path, model: dict[str, Any], feature: LogMel) -> Self:
        """Read the model's networks and numbers."""

    @abstractmethod
    def score(self, frames: Frames, machine: str) -> float:
        """Score a clip.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_mels), dtype=float32]
            At least ``min_frames`` frames.
        machine : str
            Machine type and id, ``fan/00``; the id may be empty or unknown.
        """

    @abstractmethod
    def deviation(self, frames: Frames, machine: str) -> Frames:
        """Say where in a clip the anomaly is.

        Returns
        -------
        np.ndarray [shape=(n_frames, n_mels), dtype=float32]
            Not negative; comparable within the clip and between clips of one machine.
        """


def load_scorer(folder: str | os.PathLike[str]) -> Scorer:
    """Open a model folder for scoring.

    Raises
    ------
    ModelError
        If the folder is incomplete or of a kind this version does not know.
    """
    from stethoscope.detection.autoencoder.score import AutoencoderScorer, InterpolationScorer
    from stethoscope.detection.ensemble.score import EnsembleScorer
    from stethoscope.detection.identity.score import IdClassifierScorer
    from stethoscope.detection.pooled.score import PooledScorer

    scorers: tuple[type[Scorer], ...] = (
        PooledScorer,
        AutoencoderScorer,
        InterpolationScorer,
        IdClassifierScorer,
        EnsembleScorer,
    )
    kinds = {scorer.kind: scorer for scorer in scorers}
    folder = Path(folder)
    model, feature = read_description(folder, kinds), read_json(folder / "feature.json")
    return kinds[model["kind"]].open(folder, model, LogMel.from_json(feature))


def of_type(by_type: Mapping[str, T], machine: str) -> T:
    """Return what belongs to the type of a machine, ``fan/00``.

    Raises
    ------
    ModelError
        If the model was not trained on this type.
    """
    machine_type = type_of(machine)
    if machine_type not in by_type:
        raise _unknown_type(machine_type, by_type)
    return by_type[machine_type]


def candidates(known: Iterable[str], machine: str) -> list[str]:
    """Return the machines that a clip is judged as: the one named, if it is known, otherwise all of
    its type.

    Raises
    ------
    ModelError
        If the model was not trained on this type.
    """
    known = list(known)
    if machine in known:
        return [machine]
    machine_type = type_of(machine)
    types = [type_of(one) for one in known]
    if machine_type not in types:
        raise _unknown_type(machine_type, sorted(set(types)))
    return [one for one, its_type in zip(known, types, strict=True) if its_type == machine_type]


def _unknown_type(machine_type: str, types: Iterable[str]) -> ModelError:
    return ModelError(
        f"machine type {machine_type!r} is not among those trained on: {', '.join(types)}; name one of them"
    )
