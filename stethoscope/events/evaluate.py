"""Score the recordings that an event detector was not trained on, and measure."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from stethoscope.datasets.clips import read_clips
from stethoscope.events.metrics import Stretch, event_figures, events_of, match, window_figures
from stethoscope.events.model import NETWORKS, EventDetector
from stethoscope.events.options import read_fit
from stethoscope.events.windows import LabelledWindows, score_part
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, read_json, write_csv, write_json
from stethoscope.progress import warn


def evaluate_events(
    features: str | os.PathLike[str],
    clips: str | os.PathLike[str],
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    tolerance: float = 0.3,
) -> dict[str, Any]:
    """Evaluate an event detector on its test recordings, both as it runs here and in int8.

    The folder then holds ``events.csv`` (the events found in the test recordings by the float
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
    report: dict[str, Any] = {
        "tolerance": tolerance,
        "networks": {},
        "skipped": [asdict(one) for one in store.skipped],
        "warnings": [],
    }
    tested: dict[str, list[Stretch]] = {}
    for name in NETWORKS:
        detector = EventDetector.open(model, name)
        parts = {
            part: score_part(store, windows, part, detector) for part in ("validation", "test")
        }
        tested[name] = parts["test"]
        report["networks"][name] = {
            "threshold": detector.threshold,
            **{
                part: {
                    "windows": asdict(
                        window_figures(
                            np.concatenate([s.labels for s in found]),
                            np.concatenate([s.scores for s in found]),
                            detector.threshold,
                        )
                    ),
                    "events": asdict(event_figures(found, detector, tolerance)),
                }
                for part, found in parts.items()
            },
        }
    aucs = [report["networks"][name]["test"]["windows"]["auc"] for name in NETWORKS]
    report["int8_drop"] = None if None in aucs else aucs[0] - aucs[1]
    if report["int8_drop"] is None:
        report["warnings"].append(
            "the test recordings have no event, or nothing else: AUC and AP cannot be computed"
        )
    for text in report["warnings"]:
        warn(text)
    with atomic_folder(folder) as temporary:
        _write_events(
            temporary / "events.csv", tested["float"], EventDetector.open(model), tolerance
        )
        _write_windows(temporary / "windows.csv", tested, EventDetector.open(model).stride_seconds)
        write_json(temporary / "evaluation.json", report)
    return report


def viewer_figures(evaluation: dict[str, Any]) -> dict[str, float]:
    """Return the main figures by name; what cannot be computed is left out."""
    figures: dict[str, float | None] = {"int8_drop": evaluation["int8_drop"]}
    for network, parts in evaluation["networks"].items():
        windows, events = parts["test"]["windows"], parts["test"]["events"]
        figures |= {
            f"{network}_{name}": windows[name] for name in ("auc", "ap", "accuracy", "loss")
        }
        figures |= {
            f"{network}_event_{name}": events[name]
            for name in ("precision", "recall", "f1", "false_per_hour", "delay")
        }
    return {name: value for name, value in figures.items() if value is not None}


def _write_events(
    path: Path, stretches: Sequence[Stretch], detector: EventDetector, tolerance: float
) -> None:
    table: list[Sequence[object]] = [("path", "start", "end", "score", "outcome")]
    for stretch in stretches:
        events = events_of(stretch, detector)
        pairs = match(events, stretch.truth, tolerance)
        hits, told = {i for i, _ in pairs}, {j for _, j in pairs}
        rows = [
            (e.start, e.end, f"{e.score:.4f}", "hit" if i in hits else "false")
            for i, e in enumerate(events)
        ]
        rows += [
            (start, end, "", "missed")
            for j, (start, end) in enumerate(stretch.truth)
            if j not in told
        ]
        for start, end, score, outcome in sorted(rows, key=lambda row: row[0]):
            table.append((stretch.path, f"{start:.3f}", f"{end:.3f}", score, outcome))
    write_csv(path, table)


def _write_windows(path: Path, tested: dict[str, list[Stretch]], stride: float) -> None:
    rows: list[Sequence[object]] = [("path", "start", "label", *NETWORKS)]
    for stretches in zip(*(tested[name] for name in NETWORKS), strict=True):
        one = stretches[0]
        for index, label in enumerate(one.labels):
            scores = (f"{stretch.scores[index]:.5f}" for stretch in stretches)
            rows.append((one.path, f"{one.start + index * stride:.4f}", int(label), *scores))
    write_csv(path, rows)
