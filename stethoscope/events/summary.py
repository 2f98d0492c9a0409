"""What a run of the event pipeline leaves in the folder of its results, and what it says at its
end.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stethoscope.files import read_json


def lay_out(outputs: Mapping[str, Path], folder: Path) -> dict[str, Any]:
    """Copy what the pipeline put out into a folder.

    ::

        DIR/
            report.html     what was found, for people
            events.csv      events of the test recordings: hit, false or missed
            windows.csv     label and scores of every test window
            bundle/         the exported model, with C for microcontrollers in bundle/c

    Parameters
    ----------
    outputs : mapping of str to Path
        Where the pipeline's outputs lie: ``results``, ``page`` and ``bundle``.
    folder : Path
        The folder DIR, which exists.

    Returns
    -------
    dict
        What ``summary.json`` says of them.
    """
    for name in ("events.csv", "windows.csv"):
        shutil.copy2(outputs["results"] / name, folder / name)
    shutil.copy2(outputs["page"], folder / "report.html")
    shutil.rmtree(folder / "bundle", ignore_errors=True)
    shutil.copytree(outputs["bundle"], folder / "bundle")
    return {
        "evaluation": read_json(outputs["results"] / "evaluation.json"),
        "memory": read_json(outputs["bundle"] / "c" / "memory.json"),
    }


def describe(summary: Mapping[str, Any], folder: Path) -> str:
    """Return what a person wants to know at the end of a run, in a few lines."""
    evaluation, memory = summary["evaluation"], summary["memory"]
    lines = [
        f"{'network':<10}{'window AUC':>12}{'event F1':>10}{'found':>12}{'false per hour':>16}{'delay':>9}"
    ]
    for name, parts in evaluation["networks"].items():
        windows, events = parts["test"]["windows"], parts["test"]["events"]
        auc = "n/a" if windows["auc"] is None else f"{windows['auc']:.3f}"
        delay = "n/a" if events["delay"] is None else f"{events['delay']:.2f} s"
        found = f"{events['hits']} of {events['hits'] + events['missed']}"
        lines.append(
            f"{name:<10}{auc:>12}{events['f1']:>10.3f}{found:>12}{events['false_per_hour']:>16.1f}{delay:>9}"
        )
    fitting = [board for board, verdict in memory["verdicts"].items() if verdict.startswith("fits")]
    lines.append(
        f"int8: {memory['model_flash']:,} bytes of flash, {memory['arena']:,} bytes of arena; fits {', '.join(fitting) or 'no board'}"
    )
    skipped = evaluation["skipped"]
    if skipped:
        lines.append(
            f"warning: {len(skipped)} recording(s) could not be used, the first: {skipped[0]['reason']}"
        )
    lines += [
        f"Look at {folder / 'report.html'}",
        f"Find events: stethoscope events {folder / 'bundle'} FILE.wav",
        f"For a microcontroller: {folder / 'bundle' / 'c'}",
    ]
    return "\n".join(lines)
