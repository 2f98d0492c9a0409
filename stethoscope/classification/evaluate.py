"""Train a classifier of labelled sounds, and measure it by cross-validation."""

import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stethoscope.classification.folds import class_labels, fold_of
from stethoscope.classification.metrics import classify_figures
from stethoscope.datasets.alterations import altered
from stethoscope.datasets.clips import Clip
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_csv, write_json
from stethoscope.sound.feature import Feature

if TYPE_CHECKING:
    from stethoscope.classification.options import ClassFit
    from stethoscope.classification.train import CrossValidation


def extract_sounds(
    archives: Sequence[Path],
    clips: Sequence[Clip],
    feature: Feature,
    folder: str | os.PathLike[str],
    *,
    alterations: Sequence[str] = (),
    n_folds: int = 0,
    seed: int = 0,
) -> FeatureStore:
    """Compute the features of labelled clips and of their altered versions, once it is known that
    they can be divided into folds.

    Parameters
    ----------
    archives, clips, feature, folder
        As of :func:`stethoscope.features.extract.extract_features`.
    alterations : sequence of str
        As of :func:`stethoscope.datasets.alterations.altered`.
    n_folds, seed : int
        As of :func:`stethoscope.classification.folds.fold_of`.

    Raises
    ------
    DatasetError
        If there are not two classes, the set cannot be divided, or no recording can be used.
    ParameterError
        If there is no such alteration.
    """
    labels = [clip.label for clip in clips]
    labelled = [clip for clip in clips if clip.label]
    class_labels([clip.label for clip in labelled])
    fold_of(clips, labels, np.flatnonzero(np.array(labels, dtype=object) != ""), n_folds, seed=seed)
    return extract_features(archives, altered(labelled, alterations), feature, folder)


def evaluate_classes(
    features: str | os.PathLike[str],
    fit: "ClassFit",
    folder: str | os.PathLike[str],
    *,
    n_folds: int = 0,
) -> dict[str, Any]:
    """Cross-validate a classifier of a store's labels.

    The folder then holds ``evaluation.json``, ``answers.csv`` (every clip's truth, answer and
    probabilities, by a network that had not heard its recording) and ``confusion.csv``.

    Parameters
    ----------
    features : path
        Feature store of labelled clips.
    fit : ClassFit
    folder : path
        Written all or nothing.
    n_folds : int
        Folds drawn by recording; 0 takes the folds that the set gives.

    Returns
    -------
    dict
        The content of ``evaluation.json``.

    Raises
    ------
    DatasetError
        If the set cannot be divided.
    """
    from stethoscope.classification.train import cross_validate

    store = FeatureStore.open(features)
    started = time.monotonic()
    found = cross_validate(store, [clip.label for clip in store.clips], fit, n_folds=n_folds)
    figures = classify_figures(found.truth, found.answered, found.labels)
    report = {
        "labels": list(found.labels),
        "clips": len(found.clips),
        "folds": [_fold(found, fold) for fold in sorted(set(found.fold.tolist()))],
        "seconds": round(time.monotonic() - started, 1),
        **figures.to_json(),
        "skipped": [asdict(one) for one in store.skipped],
    }
    with atomic_folder(folder) as temporary:
        write_json(temporary / "evaluation.json", report)
        header = ("source", "path", "recording", "fold", "label", "answer", *found.labels)
        columns = (found.clips, found.fold, found.truth, found.answered, found.probabilities)
        rows: list[Sequence[object]] = [header]
        for index, fold, truth, answer, chances in zip(*columns, strict=True):
            clip = store.clips[index]
            shares = (f"{chance:.4f}" for chance in chances)
            rows.append((clip.source, clip.path, clip.recording, fold, truth, answer, *shares))
        write_csv(temporary / "answers.csv", rows)
        figures.write_confusion(temporary / "confusion.csv")
    return report


def _fold(found: "CrossValidation", fold: int) -> dict[str, Any]:
    hits = [
        a == b
        for a, b, of in zip(found.truth, found.answered, found.fold, strict=True)
        if of == fold
    ]
    return {"fold": fold, "clips": len(hits), "accuracy": sum(hits) / len(hits)}


def viewer_figures(report: dict[str, Any]) -> dict[str, float]:
    """Return the main figures by name."""
    figures = {
        "accuracy": report["accuracy"]["value"],
        "balanced_accuracy": report["balanced_accuracy"],
        "macro_f1": report["macro_f1"],
    }
    return {name: round(value, 4) for name, value in figures.items()}
