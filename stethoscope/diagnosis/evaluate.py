"""Measure a diagnosis on the recordings that were kept for the test."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.classification.folds import originals
from stethoscope.classification.metrics import Classification, classify_figures
from stethoscope.datasets.clips import Clip
from stethoscope.detection.options import ThresholdOptions
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.model import NORMAL, UNKNOWN, Diagnosis, skip_reason
from stethoscope.diagnosis.parts import read_parts
from stethoscope.diagnosis.relative import RelativeStore, descriptions, known_faults
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_csv, write_json
from stethoscope.progress import warn
from stethoscope.stats.agreement import adjusted_rand_index
from stethoscope.stats.figure import Figure, proportion

FEW_RECORDINGS = 3
"""A group of fewer recordings gets a warning: its figures are not reliable."""
MACHINE_AGREEMENT = 0.5
"""Adjusted Rand index of groups and machine ids from which on the groups get a warning."""


@dataclass(frozen=True)
class DiagnosedClip:
    """A test clip and what the diagnosis answers.

    Attributes
    ----------
    clip : Clip
    label : str
        Its class, by the grouping.
    predicted : str
        The class with the highest probability.
    likeliest_fault : str
        The fault with the highest probability.
    fault : str
        What a verdict names if the clip is anomalous: a fault, or that it is unknown.
    distance : float or None
        Relative distance from the nearest group; None for a model of an old version.
    probabilities : np.ndarray [shape=(n_labels,)]
    """

    clip: Clip
    label: str
    predicted: str
    likeliest_fault: str
    fault: str
    distance: float | None
    probabilities: npt.NDArray[np.float32]


def evaluate_diagnosis(
    features: str | os.PathLike[str],
    groups: str | os.PathLike[str],
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
) -> dict[str, Any]:
    """Test the exported diagnosis on the recordings that were kept for it.

    There are two tests: that on a fraction of all recordings, and that on a machine which the
    network was not trained on, where one was held out.

    The true class of a clip is the one that the grouping gave; nobody has labelled the clips. The
    folder then holds ``diagnosis.json``, ``fault_groups.csv`` and, where there is a test,
    ``fault_answers.csv`` and ``fault_confusion.csv``.

    Parameters
    ----------
    features, groups, model : path
    folder : path
        Written all or nothing.

    Returns
    -------
    dict
        The content of ``diagnosis.json``: ``reason`` why there is nothing to diagnose, empty
        otherwise; ``labels``; ``groups``; ``figures``, None without test recordings;
        ``held_out_machine``, the same figures for the machine that was held out, None without;
        ``known_unknown`` and ``left_out_unknown``, the fractions of clips of a known group, and of
        a group that is left out of the training, that are called unknown.
    """
    if reason := skip_reason(model):
        report: dict[str, Any] = {
            "reason": reason,
            "labels": [],
            "groups": [],
            "figures": None,
            "held_out_machine": None,
            "warnings": [],
        }
        with atomic_folder(folder) as temporary:
            write_json(temporary / "diagnosis.json", report)
        return report
    store, found = FeatureStore.open(features), FaultGroups.read(groups)
    diagnosis = Diagnosis.open(model)
    parts = read_parts(model)
    tested, held_out = (_test(store, parts, diagnosis, part) for part in ("test", "held-out"))
    figures = _figures(tested, diagnosis.labels)
    report = _report(store, found, tested, figures, diagnosis.labels)
    report["held_out_machine"] = _held_out_machine(held_out, diagnosis.labels)
    report["left_out_unknown"] = asdict(_left_out_unknown(store, parts, diagnosis))
    for text in report["warnings"]:
        warn(text)
    with atomic_folder(folder) as temporary:
        write_json(temporary / "diagnosis.json", report)
        shutil.copy2(Path(groups) / "fault_groups.csv", temporary / "fault_groups.csv")
        answers = {"test": tested, "held-out": held_out}
        _write_answers(temporary / "fault_answers.csv", answers, diagnosis.labels)
        if figures:
            figures.write_confusion(temporary / "fault_confusion.csv")
    return report


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
    if held_out := report.get("held_out_machine"):
        figures["held_out_machine_accuracy"] = held_out["figures"]["accuracy"]["value"]
        figures["held_out_machine_balanced_accuracy"] = held_out["figures"]["balanced_accuracy"]
    for name in ("known_unknown", "left_out_unknown"):
        if report.get(name) and report[name]["value"] is not None:
            figures[name] = report[name]["value"]
    return {name: round(value, 4) for name, value in figures.items()}


def group_warnings(groups: FaultGroups) -> list[str]:
    """Return a warning for groups that are too small, and for groups that are the machines."""
    return [*_too_few(groups), *_of_machines(groups)]


def _test(
    store: FeatureStore, parts: Sequence[tuple[str, str]], diagnosis: Diagnosis, wanted: str
) -> list[DiagnosedClip]:
    """Return the answers on the unaltered clips of a part of a store."""
    tested = []
    for index, (clip, (label, part)) in enumerate(zip(store.clips, parts, strict=True)):
        if part == wanted and not clip.augmentation:
            frames = store.clip_frames(index)
            probabilities = diagnosis.probabilities(frames, clip.machine)
            predicted = diagnosis.labels[int(np.argmax(probabilities))]
            likeliest = diagnosis.likeliest_fault(probabilities)
            found = diagnosis.diagnose(
                frames, clip.machine, false_alarms=ThresholdOptions.false_alarm_rate
            )
            tested.append(
                DiagnosedClip(
                    clip,
                    label,
                    predicted,
                    likeliest,
                    found.fault,
                    found.distance,
                    probabilities,
                )
            )
    return tested


def _figures(tested: Sequence[DiagnosedClip], labels: Sequence[str]) -> Classification | None:
    if not tested:
        return None
    return classify_figures(
        [one.label for one in tested], [one.predicted for one in tested], labels
    )


def _report(
    store: FeatureStore,
    groups: FaultGroups,
    tested: Sequence[DiagnosedClip],
    figures: Classification | None,
    labels: Sequence[str],
) -> dict[str, Any]:
    """Return the content of ``diagnosis.json``."""
    truth = [one.label for one in tested]
    return {
        "reason": "",
        "labels": list(labels),
        "description": groups.description,
        "groups": [
            {
                "label": label,
                "clips": groups.sizes[number],
                "test_clips": truth.count(label),
                "unknown": sum(one.fault == UNKNOWN for one in tested if one.label == label),
                "typical": [one.path for one in groups.typical(number)],
            }
            for number, label in enumerate(groups.labels, start=1)
        ],
        "explained_variance": list(groups.explained_variance),
        "test_clips": len(tested),
        "figures": figures.to_json() if figures else None,
        "fault_found": _fault_found(tested),
        "known_unknown": asdict(_known_unknown(tested)),
        "skipped": [asdict(one) for one in store.skipped],
        "warnings": group_warnings(groups),
    }


def _held_out_machine(
    tested: Sequence[DiagnosedClip], labels: Sequence[str]
) -> dict[str, Any] | None:
    """Return the figures of the machine that was held out, if one was."""
    figures = _figures(tested, labels)
    if not figures:
        return None
    return {
        "machine": ", ".join(sorted({one.clip.machine for one in tested})),
        "clips": len(tested),
        "figures": figures.to_json(),
        "fault_found": _fault_found(tested),
    }


def _fault_found(tested: Sequence[DiagnosedClip]) -> dict[str, Any] | None:
    """Return the fraction of anomalous clips whose likeliest fault is the true one, if any."""
    right = [one.likeliest_fault == one.label for one in tested if one.label != NORMAL]
    return asdict(proportion(sum(right), len(right), "no anomalous clip")) if right else None


def _known_unknown(tested: Sequence[DiagnosedClip]) -> Figure:
    """Return the fraction of anomalous test clips, all of known groups, that are called unknown."""
    unknown = [one.fault == UNKNOWN for one in tested if one.label != NORMAL]
    return proportion(sum(unknown), len(unknown), "no anomalous clip is for the test")


def _left_out_unknown(
    store: FeatureStore, parts: Sequence[tuple[str, str]], diagnosis: Diagnosis
) -> Figure:
    """Return the fraction of a group's clips that lie beyond the limits of all other groups.

    It is counted over all groups. Directions and limits are fitted without the group; the network
    is not trained again, and could only call more of them unknown.
    """
    relative = RelativeStore.of(store, diagnosis.references)
    labels = [label for label, _ in parts]
    trained = [label if part in ("train", "validation") else "" for label, part in parts]
    beyond: list[bool] = []
    for group in diagnosis.labels[1:]:
        others = np.flatnonzero([label not in ("", group) for label in trained])
        if len({trained[index] for index in others} - {NORMAL}) == 0:
            continue
        known = known_faults(relative, trained, others)
        own = originals(store.clips, np.flatnonzero([label == group for label in labels]))
        if known:
            beyond += [known.relative_distance(one) > 1 for one in descriptions(relative, own)]
    return proportion(sum(beyond), len(beyond), "there are not two groups of several recordings")


def _write_answers(
    path: Path, tested: Mapping[str, Sequence[DiagnosedClip]], labels: Sequence[str]
) -> None:
    header = (
        *("source", "path", "start", "end", "recording", "machine", "part", "label", "answer"),
        "likeliest_fault",
        *("fault_if_anomalous", "fault_distance"),
    )
    rows: list[Sequence[object]] = [(*header, *labels)]
    for part, clips in tested.items():
        for one in clips:
            clip = one.clip
            known = (clip.source, clip.path, clip.start, clip.end, clip.recording, clip.machine)
            distance = "" if one.distance is None else f"{one.distance:.4f}"
            answer = (part, one.label, one.predicted, one.likeliest_fault, one.fault, distance)
            rows.append((*known, *answer, *(f"{share:.4f}" for share in one.probabilities)))
    write_csv(path, rows)


def _too_few(groups: FaultGroups) -> list[str]:
    """Return a warning if groups are too small to be trained and tested."""
    small = [
        label
        for label, clips in zip(groups.labels, groups.sizes.values(), strict=True)
        if clips < FEW_RECORDINGS
    ]
    if not small:
        return []
    return [
        f"{', '.join(small)}: fewer than {FEW_RECORDINGS} clips, so the figures are not reliable; "
        "choose fewer fault_groups"
    ]


def _of_machines(groups: FaultGroups) -> list[str]:
    """Return a warning if the groups are those of the machines."""
    machines = [clip.machine for clip in groups.clips]
    agreement = adjusted_rand_index(machines, [clip.group for clip in groups.clips])
    if len(set(machines)) < 2 or agreement < MACHINE_AGREEMENT:
        return []
    return [
        f"the groups follow the machine ids (adjusted Rand index {agreement:.2f}): they may be one "
        "fault that sounds different on every machine; listen before you name them"
    ]
