"""Train a classifier of labelled sounds, and measure it by cross-validation."""

import csv
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stethoscope.classification_metrics import classify_figures
from stethoscope.features.feature import Feature
from stethoscope.features.logmel import LogMel
from stethoscope.features.mfcc import Mfcc
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_json

if TYPE_CHECKING:
    from stethoscope.classifiers.options import ClassFit


def feature_of(network: str, *, sample_rate: int = 0, channel: int = 0) -> Feature:
    """Return the feature that a kind of network hears: 40 cepstral coefficients, or 64 mel bands."""
    if network == "mfcc-cnn":
        return Mfcc(sample_rate=sample_rate, channel=channel)
    return LogMel(sample_rate=sample_rate, channel=channel, n_mels=64, pad_mode="constant")


def evaluate_classes(
    features: str | os.PathLike[str], fit: "ClassFit", folder: str | os.PathLike[str], *, n_folds: int = 0
) -> dict[str, Any]:
    """Cross-validate a classifier of a store's labels.

    The folder then holds ``evaluation.json``, ``answers.csv`` (every clip's truth, answer and probabilities, by a network that had not
    heard its recording) and ``confusion.csv``.

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
    from stethoscope.classifiers.sounds import cross_validate

    store = FeatureStore.open(features)
    found = cross_validate(store, [clip.label for clip in store.clips], fit, n_folds=n_folds)
    figures = classify_figures(found.truth, found.answered, found.labels)
    report = {
        "labels": list(found.labels),
        "clips": len(found.clips),
        "folds": sorted(set(found.fold.tolist())),
        **figures.to_json(),
        "skipped": [asdict(one) for one in store.skipped],
    }
    with atomic_folder(folder) as temporary:
        write_json(temporary / "evaluation.json", report)
        with (temporary / "answers.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["source", "path", "recording", "fold", "label", "answer", *found.labels])
            for index, fold, truth, answer, chances in zip(
                found.clips, found.fold, found.truth, found.answered, found.probabilities, strict=True
            ):
                clip = store.clips[index]
                writer.writerow([clip.source, clip.path, clip.recording, fold, truth, answer, *(f"{chance:.4f}" for chance in chances)])
        with (temporary / "confusion.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["label", *found.labels])
            writer.writerows([label, *row] for label, row in zip(found.labels, figures.confusion, strict=True))
    return report


def viewer_figures(report: dict[str, Any]) -> dict[str, float]:
    """Return the main figures by name."""
    figures = {"accuracy": report["accuracy"]["value"], "balanced_accuracy": report["balanced_accuracy"], "macro_f1": report["macro_f1"]}
    return {name: round(value, 4) for name, value in figures.items()}
