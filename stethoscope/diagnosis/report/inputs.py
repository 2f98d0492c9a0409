"""What the sections on faults show, read from the folders that earlier steps wrote."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.model import skip_reason
from stethoscope.files import read_csv, read_json


@dataclass(frozen=True)
class DiagnosedClip:
    """A test clip, of a machine that was trained on, with the prediction of the diagnosis.

    Attributes
    ----------
    path, machine : str
    label, answer : str
        Its own class, and the most probable one.
    probabilities : tuple of float
        In the order of the labels.
    """

    path: str
    machine: str
    label: str
    answer: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class FaultInputs:
    """Everything that the sections on faults read.

    Attributes
    ----------
    reason : str
        Why there is nothing to diagnose; empty if there is something.
    plots : frozenset of str
        Which of :data:`stethoscope.diagnosis.options.PLOTS` to show.
    groups : FaultGroups
    evaluation : mapping
        The content of ``diagnosis.json``.
    training : mapping
        The content of ``curves.json``: learning curves, the best epoch, accuracy before training,
        numbers of clips; empty if there is nothing to diagnose.
    answers : list of DiagnosedClip
    """

    reason: str
    plots: frozenset[str]
    groups: FaultGroups
    evaluation: Mapping[str, Any]
    training: Mapping[str, Any]
    answers: list[DiagnosedClip]

    @classmethod
    def read(
        cls,
        *,
        groups: str | os.PathLike[str],
        model: str | os.PathLike[str],
        results: str | os.PathLike[str],
        plots: frozenset[str],
    ) -> Self:
        """Read the folders of the groups, the model and its evaluation.

        Raises
        ------
        ModelError
            If one of them is incomplete.
        """
        reason = skip_reason(model)
        evaluation = read_json(Path(results) / "diagnosis.json")
        training = {} if reason else read_json(Path(model) / "curves.json")
        answers = (
            [] if reason else _answers(Path(results) / "fault_answers.csv", evaluation["labels"])
        )
        return cls(reason, plots, FaultGroups.read(groups), evaluation, training, answers)


def _answers(path: Path, labels: list[str]) -> list[DiagnosedClip]:
    return [
        DiagnosedClip(
            row["path"],
            row["machine"],
            row["label"],
            row["answer"],
            tuple(float(row[label]) for label in labels),
        )
        for row in read_csv(path)
        if row["part"] == "test"
    ]
