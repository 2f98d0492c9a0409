"""How well classes are told apart: figures per class and over them, with their intervals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stethoscope.files import write_csv
from stethoscope.stats.figure import Figure, proportion


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Figures of one class; `precision` and `recall` have Wilson's intervals.

    A class that nothing was taken for has no precision, one that nothing belongs to no recall.
    """

    label: str
    clips: int
    precision: Figure
    recall: Figure
    f1: float


@dataclass(frozen=True, slots=True)
class Classification:
    """Figures of a classifier.

    Attributes
    ----------
    accuracy : Figure
        With Wilson's interval.
    balanced_accuracy : float
        Mean recall of the classes that have clips.
    macro_f1 : float
        Mean F1 of the classes that have clips or were answered.
    classes : tuple of ClassFigures
    confusion : tuple of tuple of int
        Clips by true class (row) and answered class (column).
    """

    accuracy: Figure
    balanced_accuracy: float
    macro_f1: float
    classes: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as what JSON can hold."""
        return asdict(self)

    def write_confusion(self, path: Path) -> None:
        """Write the confusion matrix as CSV: a row per true class, a column per answered one."""
        labels = [one.label for one in self.classes]
        rows = ([label, *row] for label, row in zip(labels, self.confusion, strict=True))
        write_csv(path, (["label", *labels], *rows))


def classify_figures(
    truth: Sequence[str], answered: Sequence[str], labels: Sequence[str]
) -> Classification:
    """Measure answers against the truth.

    Parameters
    ----------
    truth, answered : sequence of str
        A label per clip, of one clip at least.
    labels : sequence of str
        All classes, in the order of the figures.
    """
    place = {label: index for index, label in enumerate(labels)}
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(
        confusion, ([place[label] for label in truth], [place[label] for label in answered]), 1
    )
    hits, clips, answers = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    classes = tuple(
        ClassFigures(
            label=label,
            clips=int(clips[i]),
            precision=proportion(int(hits[i]), int(answers[i]), "nothing was taken for it"),
            recall=proportion(int(hits[i]), int(clips[i]), "no clip belongs to it"),
            f1=float(2 * hits[i] / max(clips[i] + answers[i], 1)),
        )
        for i, label in enumerate(labels)
    )
    heard = clips > 0
    return Classification(
        accuracy=proportion(int(hits.sum()), len(truth), "no clips"),
        balanced_accuracy=float((hits[heard] / clips[heard]).mean()),
        macro_f1=float(
            np.mean(
                [one.f1 for one, seen in zip(classes, heard | (answers > 0), strict=True) if seen]
            )
        ),
        classes=classes,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )
