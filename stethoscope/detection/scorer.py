"""From frames to a score: the half of every detector that is deployed, in numpy and LiteRT.

A :class:`~stethoscope.detection.detector.Detector` is fitted and writes a model folder; its scorer
reads that folder. Evaluation, prediction and the service all score with it, from the same files.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from stethoscope.detection.evidence import Evidence
from stethoscope.errors import ModelError
from stethoscope.machines import type_of
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel

T = TypeVar("T")


class Scorer(ABC):
    """Scores clips: the higher, the more anomalous.

    Attributes
    ----------
    kind : str
        Name of the detector; :func:`~stethoscope.detection.load.load_scorer` sets it.
    feature : LogMel
        The feature that the clips are given as.
    min_frames : int
        Shortest clip that can be scored, in frames.
    """

    kind: str
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
    def evidence(self, frames: Frames, machine: str) -> Evidence:
        """Return what made the score of a clip: contributions by place and by part.

        It takes more time than the score alone. The parameters are those of :meth:`score`.
        """


def of_type(by_type: Mapping[str, T], machine: str) -> T:
    """Return the entry for the type of a machine, ``fan/00``.

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
    """Return the machines that a clip is scored as.

    That is the machine itself if it is known, otherwise all machines of its type.

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
        f"machine type {machine_type!r} is not among those trained on: {', '.join(types)}; "
        "name one of them"
    )
