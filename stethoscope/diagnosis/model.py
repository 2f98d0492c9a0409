"""The diagnosis as it is deployed: probabilities of normal and of each fault."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.classification.model import Classifier
from stethoscope.diagnosis.known import KnownFaults
from stethoscope.errors import ModelError, ParameterError
from stethoscope.files import read_json, write_json
from stethoscope.machines import type_of
from stethoscope.model.arrays import floats, read_arrays, texts
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature

NORMAL = "normal"
"""The label of normal clips; it is always the first."""
UNKNOWN = "unknown"
"""What a diagnosis answers for an anomalous clip that resembles no known fault."""

_REFERENCES, _SKIPPED = "references.npz", "nothing.json"
_LONGEST_NAME = 80
_ARRAYS = {"machines": texts("machines"), "means": floats("machines", "values")}


@dataclass(frozen=True)
class References:
    """The normal frame of each machine: the mean frame of its normal clips.

    Attributes
    ----------
    means : mapping of str to np.ndarray [shape=(n_values,)]
        By machine type and id, ``fan/00``. Empty where the diagnosis uses the frames themselves.
    """

    means: Mapping[str, Frames]

    def normal_frame(self, machine: str) -> Frames | None:
        """Return the mean frame of a machine's normal clips [shape=(n_values,)].

        For a machine that is not known it is the mean of those of its type, or else of all. None
        where there are no references.
        """
        known = self.means.get(machine)
        if known is not None or not self.means:
            return known
        of_type = [mean for name, mean in self.means.items() if type_of(name) == type_of(machine)]
        average: Frames = np.mean(of_type or [*self.means.values()], axis=0, dtype=np.float32)
        return average

    def relative(self, frames: Frames, machine: str) -> Frames:
        """Return the deviation of frames [shape=(n_frames, n_values)] from the normal frame.

        Without references, these are the frames themselves.
        """
        normal = self.normal_frame(machine)
        return frames if normal is None else frames - normal

    def write(self, folder: Path) -> None:
        """Write the means into a model folder."""
        np.savez(
            folder / _REFERENCES,
            machines=np.array([*self.means], dtype=str),
            means=np.array([*self.means.values()], dtype=np.float32),
        )

    @classmethod
    def read(cls, folder: Path, values: int) -> Self:
        """Read what :meth:`write` wrote for frames of `values` values.

        Raises
        ------
        ModelError
            If it is missing or damaged.
        """
        path = folder / _REFERENCES
        if not len(read_arrays(path, {"machines": texts("machines")})["machines"]):
            return cls({})
        found = read_arrays(path, _ARRAYS, values=values)
        return cls(dict(zip(found["machines"].tolist(), found["means"], strict=True)))


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """The answer of a diagnosis for one clip.

    Attributes
    ----------
    probabilities : np.ndarray [shape=(n_labels,)]
        Of normal and of each fault. The farther a clip lies beyond all groups of faults, the more
        alike they are.
    fault : str
        The label of the fault if the clip is anomalous: the likeliest class, or :data:`UNKNOWN` if
        that is normal or the clip lies farther from all groups than their own members.
    distance : float or None
        Distance from the nearest group, divided by its limit; above 1 it is farther than the
        groups' own members. None for a model of an old version, which has no limits.
    """

    probabilities: npt.NDArray[np.float32]
    fault: str
    distance: float | None


@dataclass(frozen=True)
class Diagnosis:
    """A classifier of normal and of faults.

    Attributes
    ----------
    classifier : Classifier
        Its labels are ``normal`` and one per fault, ``fault 2`` or ``fault 2: clogging``.
    references : References
    known : KnownFaults or None
        How far the members of the groups lie from them; None for a model of an old version.
    """

    classifier: Classifier
    references: References
    known: KnownFaults | None = None

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Open a model folder.

        Raises
        ------
        ModelError
            If it is incomplete, or holds no diagnosis.
        """
        classifier = Classifier.open(folder)
        if classifier.labels[0] != NORMAL or len(classifier.labels) < 2:
            raise ModelError(
                f"{folder}: its labels are {', '.join(classifier.labels)}, "
                f"not {NORMAL} and faults; train it again"
            )
        folder = Path(folder)
        size = classifier.feature.size
        known = KnownFaults.read(folder, n_groups=len(classifier.labels) - 1, n_values=size)
        return cls(classifier, References.read(folder, size), known)

    def named(self, labels: Sequence[str]) -> Self:
        """Return the same diagnosis with other labels, in the order of the probabilities."""
        return replace(self, classifier=replace(self.classifier, labels=tuple(labels)))

    @property
    def feature(self) -> Feature:
        """The feature of the network's input."""
        return self.classifier.feature

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the probabilities."""
        return self.classifier.labels

    @property
    def window_seconds(self) -> float:
        """Duration of a window."""
        return self.classifier.window_seconds

    def diagnose(self, frames: Frames, machine: str, *, false_alarms: float = 1.0) -> Diagnosed:
        """Diagnose one clip.

        A clip longer than the network's window is covered by several windows, whose answers are
        averaged; a shorter one is extended with its own end.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_values), dtype=float32]
            The clip's features.
        machine : str
            Machine type and id, ``fan/00``.
        false_alarms : float
            Fraction of normal clips that are anomalous to a detector that found this clip
            anomalous; normal is the less probable for it. 1 for a clip of which nothing is known.
            A model of an old version does not use it.
        """
        relative = self.references.relative(frames, machine)
        probabilities = self.classifier.probabilities(relative)
        distance = None
        if self.known:
            distance = self.known.relative_distance(relative.mean(axis=0, dtype=np.float64))
            probabilities[0] *= np.float32(false_alarms)
            probabilities = _spread_beyond(probabilities / probabilities.sum(), distance)
        likeliest = self.labels[int(np.argmax(probabilities))]
        is_unknown = likeliest == NORMAL or (distance or 0.0) > 1.0
        return Diagnosed(probabilities, UNKNOWN if is_unknown else likeliest, distance)

    def probabilities(self, frames: Frames, machine: str) -> npt.NDArray[np.float32]:
        """Return the probabilities of normal and of each fault of one clip [shape=(n_labels,)].

        The parameters are those of :meth:`diagnose`.
        """
        return self.diagnose(frames, machine).probabilities

    def likeliest_fault(self, probabilities: npt.NDArray[np.float32]) -> str:
        """Return the label of the likeliest fault, whether or not normal is likelier."""
        return self.labels[1 + int(np.argmax(probabilities[1:]))]


def _spread_beyond(
    probabilities: npt.NDArray[np.float32], distance: float
) -> npt.NDArray[np.float32]:
    """Return probabilities that approach equal ones with the square of a distance above 1.

    A network is as certain of a class far from all clips that it was trained on as it is near them.
    """
    share = np.float32(1.0 / max(distance, 1.0) ** 2)
    spread: npt.NDArray[np.float32] = share * probabilities + (1 - share) / len(probabilities)
    return spread


def fault_label(number: int, name: str) -> str:
    """Return the label of a fault, ``fault 2`` or, with a name, ``fault 2: clogging``.

    Raises
    ------
    ParameterError
        If the name is too long or has a character that cannot be printed.
    """
    name = " ".join(name.split())
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise ParameterError(
            f"the name {name[:40]!r} of fault {number} cannot be used; "
            f"give at most {_LONGEST_NAME} printable characters"
        )
    return f"fault {number}: {name}" if name else f"fault {number}"


def write_skip_reason(folder: Path, reason: str) -> None:
    """Write into a model folder why there is nothing to diagnose."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / _SKIPPED, {"reason": reason})


def skip_reason(folder: str | os.PathLike[str]) -> str:
    """Return why a model folder holds no diagnosis; empty if it holds one."""
    path = Path(folder) / _SKIPPED
    return str(read_json(path)["reason"]) if path.is_file() else ""
