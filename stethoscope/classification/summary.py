"""What a run of the sound-classification pipeline leaves in the folder of its results, and what it
says at its end.
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
            answers.csv     truth, answer and probabilities of every clip, by a network that had not
            heard its recording confusion.csv   clips by true and answered class model/          the
            classifier, trained on all recordings

    Parameters
    ----------
    outputs : mapping of str to Path
        Where the pipeline's outputs lie: ``results``, ``model`` and ``page``.
    folder : Path
        The folder DIR, which exists.

    Returns
    -------
    dict
        What ``summary.json`` says of them.
    """
    for name in ("answers.csv", "confusion.csv"):
        shutil.copy2(outputs["results"] / name, folder / name)
    shutil.copy2(outputs["page"], folder / "report.html")
    shutil.rmtree(folder / "model", ignore_errors=True)
    shutil.copytree(outputs["model"], folder / "model")
    return {"evaluation": read_json(outputs["results"] / "evaluation.json")}


def describe(summary: Mapping[str, Any], folder: Path) -> str:
    """Return what a person wants to know at the end of a run, in a few lines."""
    evaluation = summary["evaluation"]
    width = max(len(one["label"]) for one in evaluation["classes"])
    lines = [f"{'class':<{width}}{'clips':>8}{'precision':>11}{'recall':>8}{'F1':>7}"]
    for one in evaluation["classes"]:
        precision, recall = (
            "n/a" if one[name]["value"] is None else f"{one[name]['value']:.3f}"
            for name in ("precision", "recall")
        )
        lines.append(
            f"{one['label']:<{width}}{one['clips']:>8}{precision:>11}{recall:>8}{one['f1']:>7.3f}"
        )
    accuracy, balanced = evaluation["accuracy"], evaluation["balanced_accuracy"]
    lines.append(
        f"accuracy {accuracy['value']:.3f} ({accuracy['low']:.3f} to {accuracy['high']:.3f}), balanced {balanced:.3f}, "
        f"macro F1 {evaluation['macro_f1']:.3f}, over {len(evaluation['folds'])} folds; no recording both trains and is asked"
    )
    if skipped := evaluation["skipped"]:
        lines.append(
            f"warning: {len(skipped)} recording(s) could not be used, the first: {skipped[0]['reason']}"
        )
    lines.append(f"Look at {folder / 'report.html'}")
    return "\n".join(
        [*lines, f"Classify recordings: stethoscope classify {folder / 'model'} FILE.wav"]
    )
