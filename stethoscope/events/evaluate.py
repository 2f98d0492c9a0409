"""Evaluate an event detector on recordings that it was not trained on."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from stethoscope.datasets.clips import read_clips
from stethoscope.events.metrics import Stretch, event_figures, events_of, match, window_figures
from stethoscope.events.model import NETWORKS, EventDetector
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
    networks: dict[str, dict[str, Any]] = {}
    tested: dict[str, list[Stretch]] = {}
    for name in NETWORKS:
        detector = EventDetector.open(model, name)
        networks[name] = {"threshold": detector.threshold}
        tested[name] = []
        for part in ("validation", "test"):
            stretches = score_part(store, windows, part, detector)
            background = score_part(store, windows, f"background-{part}", detector)
            networks[name][part] = _part_figures(stretches, background, detector, tolerance)
            if part == "test":
                tested[name] = [*stretches, *background]
    drop = _int8_drop(networks)
    warnings = [_NO_AUC] if drop is None else []
    warnings += _doubts(networks["float"]["validation"], fit.false_per_hour)
    report: dict[str, Any] = {
        "tolerance": tolerance,
        "networks": networks,
        "skipped": [asdict(one) for one in store.skipped],
        "warnings": warnings,
        "int8_drop": drop,
    }
    for text in report["warnings"]:
        warn(text)
    detector = EventDetector.open(model)
    with atomic_folder(folder) as temporary:
        write_csv(
            temporary / "events.csv",
            [_EVENT_COLUMNS, *_event_rows(tested["float"], detector, tolerance)],
        )
        write_csv(
            temporary / "windows.csv",
            [_WINDOW_COLUMNS, *_window_rows(tested, detector.stride_seconds)],
        )
        write_json(temporary / "evaluation.json", report)
    return report


def viewer_figures(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Return the main figures by name; what cannot be computed is left out."""
    figures: dict[str, float | None] = {"int8_drop": evaluation["int8_drop"]}
    for network, parts in evaluation["networks"].items():
        windows, events = parts["test"]["windows"], parts["test"]["events"]
        for name in ("auc", "ap", "accuracy", "loss"):
            figures[f"{network}_{name}"] = windows[name]
        for name in ("precision", "recall", "f1", "false_per_hour", "delay"):
            figures[f"{network}_event_{name}"] = events[name]
        if background := parts["test"].get("background"):
            figures[f"{network}_background_false_per_hour"] = background["false_per_hour"]
    return {name: value for name, value in figures.items() if value is not None}


def _part_figures(
    stretches: Sequence[Stretch],
    background: Sequence[Stretch],
    detector: EventDetector,
    tolerance: float,
) -> dict[str, Any]:
    labels = np.concatenate([stretch.labels for stretch in stretches])
    scores = np.concatenate([stretch.scores for stretch in stretches])
    figures = {
        "windows": asdict(window_figures(labels, scores, detector.threshold)),
        "events": asdict(event_figures(stretches, detector, tolerance)),
    }
    if background:
        measured = asdict(event_figures(background, detector, tolerance))
        figures["background"] = {name: measured[name] for name in _OF_BACKGROUND}
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
    """Return by how much the AUC of the int8 network is lower; None where it is not defined."""
    full, int8 = (networks[name]["test"]["windows"]["auc"] for name in NETWORKS)
    return None if full is None or int8 is None else full - int8


_EVENT_COLUMNS = ("path", "start", "end", "score", "outcome")
_WINDOW_COLUMNS = ("path", "start", "label", *NETWORKS)


def _event_rows(
    stretches: Sequence[Stretch], detector: EventDetector, tolerance: float
) -> list[Sequence[object]]:
    """Return the rows of ``events.csv``: events that were found, or missed, in order of time."""
    rows: list[Sequence[object]] = []
    for stretch in stretches:
        found = events_of(stretch, detector)
        pairs = match(found, stretch.truth, tolerance)
        hits, matched = {i for i, _ in pairs}, {j for _, j in pairs}
        events = [
            (event.start, event.end, f"{event.score:.4f}", "hit" if i in hits else "false")
            for i, event in enumerate(found)
        ]
        events += [
            (start, end, "", "missed")
            for j, (start, end) in enumerate(stretch.truth)
            if j not in matched
        ]
        for start, end, score, outcome in sorted(events, key=lambda event: event[0]):
            rows.append((stretch.path, f"{start:.3f}", f"{end:.3f}", score, outcome))
    return rows


def _window_rows(tested: Mapping[str, Sequence[Stretch]], stride: float) -> list[Sequence[object]]:
    """Return the rows of ``windows.csv``; `stride` in seconds."""
    rows: list[Sequence[object]] = []
    for stretches in zip(*(tested[name] for name in NETWORKS), strict=True):
        one = stretches[0]
        for index, label in enumerate(one.labels):
            scores = (f"{stretch.scores[index]:.5f}" for stretch in stretches)
            rows.append((one.path, f"{one.start + index * stride:.4f}", int(label), *scores))
    return rows
