"""Evaluate an event detector on recordings that it was not trained on."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stethoscope.datasets.clips import read_clips
from stethoscope.events.metrics import (
    EventFigures,
    Stretch,
    WindowFigures,
    confusion,
    event_figures,
    events_of,
    match,
    pooled_events,
    pooled_windows,
    window_figures,
)
from stethoscope.events.model import NETWORKS, Event, EventClass, EventDetector
from stethoscope.events.options import EventFit, read_fit
from stethoscope.events.windows import LabelledWindows, score_part
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, read_json, write_csv, write_json
from stethoscope.progress import warn

_OF_BACKGROUND = (
    "false_events",
    "hours",
    "false_per_hour",
    "false_per_hour_low",
    "false_per_hour_high",
)
"""Figures of recordings without events."""

_RULE_OF_THREE = 3.0  # no event in 3 / rate hours shows the rate, with 95 % confidence
_NO_AUC = "the test recordings have no event, or nothing else: AUC and AP cannot be computed"


def evaluate_events(
    features: str | os.PathLike[str],
    clips: str | os.PathLike[str],
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    tolerance: float = EventFit.tolerance,
) -> dict[str, Any]:
    """Evaluate the float and the int8 network of an event detector on its test recordings.

    The folder then holds ``events.csv`` (the events of the test recordings, found by the float
    network), ``windows.csv`` (label and scores of every test window) and ``evaluation.json``.

    Parameters
    ----------
    features, clips, model : path
        Feature store, table of clips and model folder.
    folder : path
        Written all or nothing.
    tolerance : float
        How far start and end of a found event may lie from the true ones, in seconds.

    Returns
    -------
    dict
        The content of ``evaluation.json``.
    """
    store, model = FeatureStore.open(features), Path(model)
    fit = read_fit(read_json(model / "model.json"))
    windows = LabelledWindows.cut(store, read_clips(clips), fit)
    detectors = {name: EventDetector.open(model, name) for name in NETWORKS}
    networks, tested = {}, {}
    for name, detector in detectors.items():
        networks[name], tested[name] = _evaluate(store, windows, detector, tolerance)
    drop = _int8_drop(networks)
    warnings = [_NO_AUC] if drop is None else []
    for label, figures in figures_by_class(networks["float"], windows.classes).items():
        of = f"class {label}: " if len(windows.classes) > 1 else ""
        warnings += [of + text for text in _doubts(figures["validation"], fit.false_per_hour)]
    report: dict[str, Any] = {
        "tolerance": tolerance,
        "networks": networks,
        "skipped": [asdict(one) for one in store.skipped],
        "warnings": warnings,
        "int8_drop": drop,
    }
    for text in report["warnings"]:
        warn(text)
    with atomic_folder(folder) as temporary:
        write_csv(
            temporary / "events.csv",
            [_EVENT_COLUMNS, *_event_rows(tested["float"], detectors["float"], tolerance)],
        )
        write_csv(temporary / "windows.csv", _window_rows(tested, detectors["float"]))
        write_json(temporary / "evaluation.json", report)
    return report


def figures_by_class(
    network: Mapping[str, Any], labels: Sequence[str]
) -> Mapping[str, Mapping[str, Any]]:
    """Return threshold and figures of every class of a network, by its label.

    Parameters
    ----------
    network : dict
        Of ``networks`` in ``evaluation.json``.
    labels : sequence of str
        Of the classes. Where there is one, the figures of the network are its own.
    """
    classes: Mapping[str, Mapping[str, Any]] = network.get("classes") or {labels[0]: network}
    return classes


def window_column(name: str, label: str, n_classes: int) -> str:
    """Return a column of ``windows.csv`` for a class: ``label``, ``float`` or ``int8``.

    With several classes the label of the class follows the name.
    """
    return f"{name} {label}" if n_classes > 1 else name


def viewer_figures(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Return the main figures by name; what cannot be computed is left out."""
    figures: dict[str, float | None] = {"int8_drop": evaluation["int8_drop"]}
    for network, parts in evaluation["networks"].items():
        windows, events = parts["test"]["windows"], parts["test"]["events"]
        for label, one in parts.get("classes", {}).items():
            figures[f"{network}_event_f1_{label}"] = one["test"]["events"]["f1"]
        for name in ("auc", "ap", "accuracy", "loss"):
            figures[f"{network}_{name}"] = windows[name]
        for name in ("precision", "recall", "f1", "macro_f1", "false_per_hour", "delay"):
            figures[f"{network}_event_{name}"] = events.get(name)
        if background := parts["test"].get("background"):
            figures[f"{network}_background_false_per_hour"] = background["false_per_hour"]
    return {name: value for name, value in figures.items() if value is not None}


def _evaluate(
    store: FeatureStore, windows: LabelledWindows, detector: EventDetector, tolerance: float
) -> tuple[dict[str, Any], list[list[Stretch]]]:
    """Return the figures of a network, and the tested stretches of every class."""
    by_class: dict[str, dict[str, Any]] = {
        one.label: {"threshold": one.threshold} for one in detector.classes
    }
    figures: dict[str, Any] = {}
    for part in ("validation", "test"):
        stretches = score_part(store, windows, part, detector)
        background = score_part(store, windows, f"background-{part}", detector)
        measured = [
            _measure(*both, tolerance)
            for both in zip(detector.classes, stretches, background, strict=True)
        ]
        for one, class_figures in zip(detector.classes, measured, strict=True):
            by_class[one.label][part] = _part_figures(class_figures)
        figures[part] = _overall_figures(measured)
    if len(by_class) == 1:
        return by_class[detector.classes[0].label], _joined(stretches, background)
    figures["test"]["confusion"] = confusion(stretches, detector.classes, tolerance)
    return {**figures, "classes": by_class}, _joined(stretches, background)


def _joined(
    stretches: Sequence[list[Stretch]], background: Sequence[list[Stretch]]
) -> list[list[Stretch]]:
    return [[*one, *noise] for one, noise in zip(stretches, background, strict=True)]


class _Measured(NamedTuple):
    """Figures of a class on a part, and those of the background of that part."""

    windows: WindowFigures
    events: EventFigures
    background: EventFigures | None


def _measure(
    one: EventClass, stretches: Sequence[Stretch], background: Sequence[Stretch], tolerance: float
) -> _Measured:
    labels = np.concatenate([stretch.labels for stretch in stretches])
    scores = np.concatenate([stretch.scores for stretch in stretches])
    return _Measured(
        window_figures(labels, scores, one.threshold),
        event_figures(stretches, one, tolerance),
        event_figures(background, one, tolerance) if background else None,
    )


def _part_figures(measured: _Measured) -> dict[str, Any]:
    figures = {"windows": asdict(measured.windows), "events": asdict(measured.events)}
    if measured.background:
        background = asdict(measured.background)
        figures["background"] = {name: background[name] for name in _OF_BACKGROUND}
    return figures


def _overall_figures(measured: Sequence[_Measured]) -> dict[str, Any]:
    """Return the figures over all classes, and the mean F1 of the classes."""
    background = [one.background for one in measured if one.background]
    figures = _part_figures(
        _Measured(
            pooled_windows([one.windows for one in measured]),
            pooled_events([one.events for one in measured]),
            pooled_events(background) if background else None,
        )
    )
    figures["events"]["macro_f1"] = float(np.mean([one.events.f1 for one in measured]))
    return figures


def _doubts(validation: Mapping[str, Any], wanted: float) -> list[str]:
    """Return a warning if the validation sounds cannot show the wanted number of false events."""
    if not wanted:
        return []
    kinds = [validation[kind] for kind in ("events", "background") if kind in validation]
    false, hours = (sum(kind[name] for kind in kinds) for name in ("false_events", "hours"))
    text = f"event_false_per_hour is {wanted:g}; the validation sounds last {hours:.2f} h"
    if false / hours > wanted:
        return [f"{text} and have {false} false events at every threshold; give more background"]
    if hours < _RULE_OF_THREE / wanted:
        needed = _RULE_OF_THREE / wanted
        return [f"{text}, too short to show it; give {needed:.1f} h by event_background"]
    return []


def _int8_drop(networks: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Return by how much the AUC of the int8 network is lower, for the class where it is the most.

    It is None where no class has an AUC.
    """
    full, int8 = (
        [part["test"]["windows"]["auc"] for part in figures_by_class(networks[name], [""]).values()]
        for name in NETWORKS
    )
    drops = [
        one - other
        for one, other in zip(full, int8, strict=True)
        if one is not None and other is not None
    ]
    return max(drops, default=None)


_EVENT_COLUMNS = ("path", "start", "end", "score", "outcome", "label")


def _event_rows(
    tested: Sequence[Sequence[Stretch]], detector: EventDetector, tolerance: float
) -> list[Sequence[object]]:
    """Return the rows of ``events.csv``: events that were found, or missed, in order of time."""
    rows: list[Sequence[object]] = []
    for stretches in zip(*tested, strict=True):
        events = [
            event
            for stretch, one in zip(stretches, detector.classes, strict=True)
            for event in _outcomes(stretch, one, tolerance)
        ]
        for start, end, score, outcome, label in sorted(events, key=lambda event: event[0]):
            path = stretches[0].path
            rows.append((path, f"{start:.3f}", f"{end:.3f}", score, outcome, label))
    return rows


def _outcomes(
    stretch: Stretch, one: EventClass, tolerance: float
) -> list[tuple[float, float, str, str, str]]:
    """Return start, end, score, outcome and label of the events of a class in a stretch."""
    found = events_of(stretch, one)
    pairs = match(found, stretch.truth, tolerance)
    hits, matched = {i for i, _ in pairs}, {j for _, j in pairs}
    return [
        *(
            (*_timed(event), "hit" if i in hits else "false", one.label)
            for i, event in enumerate(found)
        ),
        *(
            (start, end, "", "missed", one.label)
            for j, (start, end) in enumerate(stretch.truth)
            if j not in matched
        ),
    ]


def _timed(event: Event) -> tuple[float, float, str]:
    return event.start, event.end, f"{event.score:.4f}"


def _window_rows(
    tested: Mapping[str, Sequence[Sequence[Stretch]]], detector: EventDetector
) -> list[Sequence[object]]:
    """Return header and rows of ``windows.csv``."""
    labels = [one.label for one in detector.classes]
    columns = [
        window_column(name, label, len(labels)) for label in labels for name in ("label", *NETWORKS)
    ]
    rows: list[Sequence[object]] = [("path", "start", *columns)]
    # Of every recording: the stretches of all classes, by network.
    of_network = [list(zip(*tested[name], strict=True)) for name in NETWORKS]
    for same in zip(*of_network, strict=True):
        one = same[0][0]
        for index in range(len(one.labels)):
            values: list[object] = []
            for place, stretch in enumerate(same[0]):
                values.append(int(stretch.labels[index]))
                values += [f"{network[place].scores[index]:.5f}" for network in same]
            rows.append((one.path, f"{one.start + index * detector.stride_seconds:.4f}", *values))
    return rows
