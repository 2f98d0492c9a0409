"""Measure a cross-validated classifier, and write what it reaches."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.classification.folds import Indices
from stethoscope.classification.metrics import classify_figures
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_csv, write_json


@dataclass(frozen=True)
class CrossValidation:
    """The answers of classifiers on recordings that they were not trained on.

    Attributes
    ----------
    labels : tuple of str
        The classes, in the order of the probabilities.
    clips : np.ndarray of int [shape=(n_clips,)]
        Indices of the clips in the store.
    fold : np.ndarray of int [shape=(n_clips,)]
        The fold in which each clip was tested.
    truth, predicted : tuple of str
        A label per clip.
    probabilities : np.ndarray [shape=(n_clips, n_labels)]
    """

    labels: tuple[str, ...]
    clips: Indices
    fold: npt.NDArray[np.int64]
    truth: tuple[str, ...]
    predicted: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]


def write_evaluation(
    found: CrossValidation,
    store: FeatureStore,
    folder: str | os.PathLike[str],
    *,
    seconds: float,
) -> dict[str, Any]:
    """Measure the answers of a cross-validation, and write figures and answers.

    Parameters
    ----------
    found : CrossValidation
    store : FeatureStore
        The one that was cross-validated.
    folder : path
        Written all or nothing: ``evaluation.json``, ``answers.csv`` (every clip's truth, answer and
        probabilities) and ``confusion.csv``.
    seconds : float
        Duration of the cross-validation.

    Returns
    -------
    dict
        The content of ``evaluation.json``.
    """
    figures = classify_figures(found.truth, found.predicted, found.labels)
    report = {
        "labels": list(found.labels),
        "clips": len(found.clips),
        "folds": [_fold(found, fold) for fold in np.unique(found.fold).tolist()],
        "seconds": seconds,
        **figures.to_json(),
        "skipped": [asdict(one) for one in store.skipped],
    }
    with atomic_folder(folder) as temporary:
        write_json(temporary / "evaluation.json", report)
        _write_answers(temporary / "answers.csv", found, store)
        figures.write_confusion(temporary / "confusion.csv")
    return report


def viewer_figures(report: dict[str, Any]) -> dict[str, float]:
    """Return the main figures by name."""
    figures = {
        "accuracy": report["accuracy"]["value"],
        "balanced_accuracy": report["balanced_accuracy"],
        "macro_f1": report["macro_f1"],
    }
    return {name: round(value, 4) for name, value in figures.items()}


def _fold(found: CrossValidation, fold: int) -> dict[str, Any]:
    """Return the accuracy of a fold."""
    answers = zip(found.truth, found.predicted, found.fold, strict=True)
    hits = [truth == predicted for truth, predicted, own in answers if own == fold]
    return {"fold": fold, "clips": len(hits), "accuracy": sum(hits) / len(hits)}


def _write_answers(path: Path, found: CrossValidation, store: FeatureStore) -> None:
    header = ("source", "path", "recording", "fold", "label", "answer", *found.labels)
    rows: list[Sequence[object]] = [header]
    columns = (found.clips, found.fold, found.truth, found.predicted, found.probabilities)
    for index, fold, truth, predicted, probabilities in zip(*columns, strict=True):
        clip = store.clips[index]
        shares = (f"{share:.4f}" for share in probabilities)
        rows.append((clip.source, clip.path, clip.recording, fold, truth, predicted, *shares))
    write_csv(path, rows)
