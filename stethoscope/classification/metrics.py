"""Figures of a classifier: per class and over all classes, with their intervals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stethoscope.files import write_csv
from stethoscope.stats.figure import Figure, proportion


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Figures of one class.

    Attributes
    ----------
    label : str
    clips : int
        Clips of this class.
    precision : Figure
        With Wilson's interval; it has no value if no clip was classified as this class.
    recall : Figure
        With Wilson's interval; it has no value if there is no clip of this class.
    f1 : float
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
        Mean F1 of the classes that have clips or were predicted.
    classes : tuple of ClassFigures
    confusion : tuple of tuple of int
        Clips by true class (row) and predicted class (column).
    """

    accuracy: Figure
    balanced_accuracy: float
    macro_f1: float
    classes: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as values for JSON."""
        return asdict(self)

    def write_confusion(self, path: Path) -> None:
        """Write the confusion matrix as CSV: a row per true class, a column per predicted one."""
        labels = [one.label for one in self.classes]
        rows = ([label, *row] for label, row in zip(labels, self.confusion, strict=True))
        write_csv(path, (["label", *labels], *rows))


def classify_figures(
    truth: Sequence[str], predicted: Sequence[str], labels: Sequence[str]
) -> Classification:
    """Compare predicted labels with the true ones.

    Parameters
    ----------
    truth, predicted : sequence of str
        A label per clip, of one clip at least.
    labels : sequence of str
        All classes, in the order of the figures.
    """
    place = {label: index for index, label in enumerate(labels)}
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for true, found in zip(truth, predicted, strict=True):
        confusion[place[true], place[found]] += 1
    hits, clips, answers = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    classes = tuple(
        ClassFigures(
            label=label,
            clips=int(clips[i]),
            precision=proportion(int(hits[i]), int(answers[i]), "no clip was classified as it"),
            recall=proportion(int(hits[i]), int(clips[i]), "no clip belongs to it"),
            f1=float(2 * hits[i] / max(clips[i] + answers[i], 1)),
        )
        for i, label in enumerate(labels)
    )
    occurring = clips > 0
    recalls = hits[occurring] / clips[occurring]
    f1 = np.array([one.f1 for one in classes])
    return Classification(
        accuracy=proportion(int(hits.sum()), len(truth), "no clips"),
        balanced_accuracy=float(recalls.mean()),
        macro_f1=float(f1[occurring | (answers > 0)].mean()),
        classes=classes,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )
