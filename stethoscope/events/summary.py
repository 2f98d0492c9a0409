"""The folder of results of the pipeline ``event-detection``.

::

    DIR/
        report.html             what was found
        plots/                  its figures as SVG files
        events.csv              events of the test recordings with their label: hit, false or missed
        windows.csv             label and scores of every test window, for each class
        bundle/                 the exported model, with C for microcontrollers in bundle/c
        summary.json, run.log   settings, figures and warnings; what the steps printed
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stethoscope.kubeflow.results import Results, skipped_lines
from stethoscope.terminal import decimal, text_table, typed_path


def closing_lines(summary: Mapping[str, Any], folder: Path) -> list[str]:
    """Return what is printed at the end of a run: figures, memory, and what to do next."""
    evaluation, memory = summary["evaluation"], summary["memory"]
    header: tuple[str, ...] = (
        "network",
        "window AUC",
        "event F1",
        "found",
        "false per hour",
        "delay",
    )
    if any("background" in parts["test"] for parts in evaluation["networks"].values()):
        header = (*header, "false per hour of background")
    rows = []
    for name, parts in evaluation["networks"].items():
        rows.append(_network_row(name, parts["test"]))
        for label, figures in parts.get("classes", {}).items():
            rows.append(_network_row(f"{name}, {label}", figures["test"]))
    boards = [board for board, verdict in memory["verdicts"].items() if verdict.startswith("fits")]
    return [
        *text_table([header, *rows]),
        f"int8: {memory['model_flash']:,} bytes of flash, {memory['arena']:,} bytes of arena; "
        f"fits {'; '.join(boards) or 'no board'}",
        *skipped_lines(evaluation["skipped"]),
        f"Report: {typed_path(folder / 'report.html')}",
        f"Find events: stethoscope events {typed_path(folder / 'bundle')} FILE.wav",
        f"For a microcontroller: {typed_path(folder / 'bundle' / 'c')}",
    ]


def false_per_hour(figures: Mapping[str, Any]) -> str:
    """Return the number of false events per hour with its 95 % interval."""
    low, high = figures["false_per_hour_low"], figures["false_per_hour_high"]
    return f"{figures['false_per_hour']:.1f} ({low:.1f} to {high:.1f})"


RESULTS = Results(
    files={
        "results/events.csv": "events.csv",
        "results/windows.csv": "windows.csv",
        "page": "report.html",
    },
    folders={"bundle": "bundle", "plots": "plots"},
    summary={"evaluation": "results/evaluation.json", "memory": "bundle/c/memory.json"},
    optional=("plots",),
    closing_lines=closing_lines,
)
"""What of the pipeline's outputs is kept, and where."""


def _network_row(name: str, test: Mapping[str, Any]) -> list[str]:
    windows, events = test["windows"], test["events"]
    background = [test["background"]] if "background" in test else []
    delay = decimal(events["delay"], digits=2)
    return [
        name,
        decimal(windows["auc"]),
        decimal(events["f1"]),
        f"{events['hits']} of {events['hits'] + events['missed']}",
        false_per_hour(events),
        delay if events["delay"] is None else f"{delay} s",
        *map(false_per_hour, background),
    ]
