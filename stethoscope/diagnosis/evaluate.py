"""The steps of the diagnosis in the main pipeline. Each goes on where there is nothing to diagnose,
and says why in what it leaves.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stethoscope.classification.metrics import classify_figures
from stethoscope.datasets.alterations import altered
from stethoscope.datasets.clips import Clip
from stethoscope.diagnosis.groups import FaultGroups, clips_to_compare, group_faults
from stethoscope.diagnosis.model import NORMAL, Diagnosis, nothing_in, write_nothing
from stethoscope.diagnosis.options import FaultOptions
from stethoscope.errors import ParameterError
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.files import atomic_folder, write_csv, write_json
from stethoscope.progress import warn
from stethoscope.sound.mfcc import Mfcc
from stethoscope.stats.figure import Figure, wilson_interval

if TYPE_CHECKING:
    from stethoscope.classification.options import ClassFit
    from stethoscope.classification.train import ClassTraining

FEW_RECORDINGS = 3
"""Groups of fewer recordings give no figure worth its name."""
MACHINE_AGREEMENT = 0.5
"""Adjusted Rand index of groups and machine ids from which groups are suspected to be machines."""


def extract_cepstra(
    archives: Sequence[Path],
    clips: Sequence[Clip],
    feature: Mfcc,
    folder: str | os.PathLike[str],
    options: FaultOptions,
    *,
    alterations: Sequence[str] = (),
    holdout_id: str = "",
) -> FeatureStore:
    """Compute the cepstral coefficients of the anomalous clips and of the normal ones that they are
    compared with.

    Parameters
    ----------
    archives, clips, feature, folder
        As for :func:`~stethoscope.features.extract.extract_features`. The store is empty if there
        is nothing to diagnose.
    options : FaultOptions
    alterations : sequence of str
        Altered versions of every clip, as for :func:`~stethoscope.datasets.alterations.altered`.
    holdout_id : str
        Machine id that is to be held out of the training.

    Raises
    ------
    ParameterError
        If no machine has that id.
    """
    chosen = clips_to_compare(clips, options)
    if (
        chosen
        and holdout_id
        and not any(holdout_id in (clip.machine_id, clip.machine) for clip in chosen)
    ):
        known = ", ".join(sorted({clip.machine for clip in chosen}))
        raise ParameterError(f"fault_holdout_id is {holdout_id!r}; the set has {known}")
    if chosen:
        return extract_features(archives, altered(chosen, alterations), feature, folder)
    with FeatureWriter(folder) as writer:
        writer.finish(feature)
    return FeatureStore.open(folder)


def find_groups(
    features: str | os.PathLike[str], options: FaultOptions, folder: str | os.PathLike[str]
) -> FaultGroups:
    """Group the anomalous clips of a store, and write ``fault_groups.json``, ``fault_groups.csv``
    and ``clips.csv``, all or nothing.
    """
    store = FeatureStore.open(features)
    groups = group_faults(store, options)
    with atomic_folder(folder) as temporary:
        groups.write(temporary, store.clips)
    return groups


def fit_diagnosis(
    features: str | os.PathLike[str],
    groups: str | os.PathLike[str],
    fit: "ClassFit",
    folder: str | os.PathLike[str],
    *,
    test_split: float = 0.2,
    holdout_id: str = "",
) -> "ClassTraining | None":
    """Train the classifier of normal and the groups, and write its model folder; None if there is
    nothing to diagnose.

    Parameters
    ----------
    features, groups : path
        Folders of the store and of its groups.
    fit, folder, test_split, holdout_id
        As for :func:`~stethoscope.diagnosis.train.train_diagnosis`.
    """
    store, found = FeatureStore.open(features), FaultGroups.read(groups)
    reason = found.reason
    if not reason and not any(clip.condition == NORMAL for clip in store.clips):
        reason = "there is no normal clip to tell faults from"
    if reason:
        with atomic_folder(folder) as temporary:
            write_nothing(temporary, reason)
        return None
    from stethoscope.diagnosis.train import train_diagnosis

    return train_diagnosis(store, found, fit, folder, test_split=test_split, holdout_id=holdout_id)


def evaluate_diagnosis(
    features: str | os.PathLike[str],
    groups: str | os.PathLike[str],
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
) -> dict[str, Any]:
    """Ask the exported diagnosis about the recordings that were kept for the test.

    What is true of them is what the grouping said; nobody has labelled them. The folder then holds
    ``diagnosis.json``, ``fault_groups.csv`` and, where there is a test, ``fault_answers.csv`` and
    ``fault_confusion.csv``.

    Parameters
    ----------
    features, groups, model : path
    folder : path
        Written all or nothing.

    Returns
    -------
    dict
        The content of ``diagnosis.json``: ``reason`` why there is nothing to diagnose, empty
        otherwise; ``labels``; ``groups``; ``figures``, None without test recordings.
    """
    reason = nothing_in(model)
    if reason:
        report: dict[str, Any] = {
            "reason": reason,
            "labels": [],
            "groups": [],
            "figures": None,
            "warnings": [],
        }
        with atomic_folder(folder) as temporary:
            write_json(temporary / "diagnosis.json", report)
        return report
    from stethoscope.diagnosis.train import read_parts

    store, found, diagnosis = (
        FeatureStore.open(features),
        FaultGroups.read(groups),
        Diagnosis.open(model),
    )
    parts = read_parts(model)
    asked = [
        i
        for i, (clip, (_, part)) in enumerate(zip(store.clips, parts, strict=True))
        if part == "test" and not clip.augmentation
    ]
    chances = [diagnosis.probabilities(store.clip_frames(i), store.clips[i].machine) for i in asked]
    truth = [parts[i][0] for i in asked]
    answers = [diagnosis.labels[int(np.argmax(one))] for one in chances]
    faults = [diagnosis.likeliest_fault(one) for one in chances]
    figures = classify_figures(truth, answers, diagnosis.labels) if asked else None
    right = [fault == true for fault, true in zip(faults, truth, strict=True) if true != NORMAL]
    warnings = [*_too_few(found), *_of_machines(found)]
    report = {
        "reason": "",
        "labels": list(diagnosis.labels),
        "description": found.description,
        "groups": [
            {
                "label": label,
                "clips": found.sizes[number],
                "test_clips": truth.count(label),
                "typical": [asdict(one)["path"] for one in found.typical(number)],
            }
            for number, label in enumerate(found.labels, start=1)
        ],
        "explained_variance": list(found.explained_variance),
        "test_clips": len(asked),
        "figures": figures.to_json() if figures else None,
        "fault_found": asdict(
            Figure(sum(right) / len(right), *wilson_interval(sum(right), len(right)))
        )
        if right
        else None,
        "skipped": [asdict(one) for one in store.skipped],
        "warnings": warnings,
    }
    for text in warnings:
        warn(text)
    with atomic_folder(folder) as temporary:
        write_json(temporary / "diagnosis.json", report)
        shutil.copy2(Path(groups) / "fault_groups.csv", temporary / "fault_groups.csv")
        header = ("source", "path", "recording", "machine", "label", "answer", "likeliest_fault")
        rows: list[Sequence[object]] = [(*header, *diagnosis.labels)]
        for i, true, answer, fault, one in zip(asked, truth, answers, faults, chances, strict=True):
            clip = store.clips[i]
            known = (clip.source, clip.path, clip.recording, clip.machine, true, answer, fault)
            rows.append((*known, *(f"{share:.4f}" for share in one)))
        write_csv(temporary / "fault_answers.csv", rows)
        if figures:
            figures.write_confusion(temporary / "fault_confusion.csv")
    return report


def _too_few(groups: FaultGroups) -> list[str]:
    """Say which groups are too small to be learned and tested."""
    small = [
        label
        for label, clips in zip(groups.labels, groups.sizes.values(), strict=True)
        if clips < FEW_RECORDINGS
    ]
    return (
        [
            f"{', '.join(small)}: fewer than {FEW_RECORDINGS} clips, its figures say little; choose fewer fault_groups"
        ]
        if small
        else []
    )


def _of_machines(groups: FaultGroups) -> list[str]:
    """Say so if the groups are those of the machines."""
    from sklearn.metrics import adjusted_rand_score

    machines = [clip.machine for clip in groups.clips]
    agreement = float(adjusted_rand_score(machines, [clip.group for clip in groups.clips]))
    if len(set(machines)) < 2 or agreement < MACHINE_AGREEMENT:
        return []
    return [
        f"the groups follow the machine ids (adjusted Rand index {agreement:.2f}): they may be one fault that sounds otherwise on every "
        f"machine; listen before you name them"
    ]


def viewer_figures(report: dict[str, Any]) -> dict[str, float]:
    """Return the main figures by name."""
    figures = {"fault_groups": float(len(report["groups"]))}
    if report["figures"]:
        figures |= {
            "accuracy": report["figures"]["accuracy"]["value"],
            "balanced_accuracy": report["figures"]["balanced_accuracy"],
        }
    if report.get("fault_found"):
        figures["fault_found"] = report["fault_found"]["value"]
    return {name: round(value, 4) for name, value in figures.items()}
