"""What a run of the main pipeline leaves in the folder of its results, and what it says at its end."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stethoscope.files import read_json


def lay_out(outputs: Mapping[str, Path], folder: Path) -> dict[str, Any]:
    """Copy what the pipeline put out into a folder.

    ::

        DIR/
            report.html                         what was found, for people
            scores.csv                          score, threshold and decision of every test clip
            result.csv, anomaly_score_*.csv     official result files of the DCASE challenge
            fault_groups.csv                    group of every anomalous clip, and its distance to
            each fault_answers.csv                   what the diagnosis said of the recordings kept
            for its test fault_confusion.csv                 these, counted by group and answer
            bundle/                             the exported model

    Parameters
    ----------
    outputs : mapping of str to Path
        Where the pipeline's outputs lie: ``results``, ``diagnosed``, ``page`` and ``bundle``.
    folder : Path
        The folder DIR, which exists.

    Returns
    -------
    dict
        What ``summary.json`` says of them.
    """
    for path in sorted((*outputs["results"].glob("*.csv"), *outputs["diagnosed"].glob("*.csv"))):
        shutil.copy2(path, folder / path.name)
    shutil.copy2(outputs["page"], folder / "report.html")
    shutil.rmtree(folder / "bundle", ignore_errors=True)
    shutil.copytree(outputs["bundle"], folder / "bundle")
    return {
        "evaluation": read_json(outputs["results"] / "evaluation.json"),
        "diagnosis": read_json(outputs["diagnosed"] / "diagnosis.json"),
    }


def describe(summary: Mapping[str, Any], folder: Path) -> str:
    """Return what a person wants to know at the end of a run, in a few lines."""
    overall = summary["evaluation"]["overall"]
    lines = [f"{'machine':<16}{'AUC':>8}{'pAUC':>8}{'found':>12}{'false alarms':>16}"]
    for machine in overall["machines"]:
        found = _count(machine["recall"], machine["n_anomaly"])
        alarms = _count(machine["false_alarm_rate"], machine["n_normal"])
        lines.append(
            f"{machine['machine']:<16}{_figure(machine['auc']):>8}{_figure(machine['pauc']):>8}{found:>12}{alarms:>16}"
        )
    lines.append(f"{'mean':<16}{_figure(overall['auc']):>8}{_figure(overall['pauc']):>8}")
    reasons = sorted(
        {
            machine["auc"]["reason"]
            for machine in overall["machines"]
            if machine["auc"]["value"] is None
        }
    )
    lines += [f"AUC not computable: {reason}" for reason in reasons]
    skipped = summary["evaluation"]["skipped"]
    if skipped:
        lines.append(
            f"warning: {len(skipped)} recording(s) could not be used, the first: {skipped[0]['reason']}"
        )
    lines += _describe_faults(summary["diagnosis"], folder)
    lines += [
        f"Look at {folder / 'report.html'}",
        f"Ask the model: stethoscope predict {folder / 'bundle'} FILE.wav",
    ]
    return "\n".join(lines)


def _describe_faults(diagnosis: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the groups of faults and how well they are told apart, or why there are none."""
    if diagnosis["reason"]:
        return [f"Nothing to diagnose: {diagnosis['reason']}"]
    figures = (
        {one["label"]: one for one in diagnosis["figures"]["classes"]}
        if diagnosis["figures"]
        else {}
    )
    width = max(16, *(len(group["label"]) + 2 for group in diagnosis["groups"]))
    lines = ["", f"{'group of faults':<{width}}{'clips':>8}{'told apart':>16}"]
    for group in diagnosis["groups"]:
        told = _count(figures[group["label"]]["recall"], group["test_clips"]) if figures else "n/a"
        lines.append(f"{group['label']:<{width}}{group['clips']:>8}{told:>16}")
    if diagnosis["figures"]:
        share = diagnosis["figures"]["balanced_accuracy"]
        lines.append(
            f"balanced accuracy {share:.3f} over normal and {len(figures) - 1} groups, on recordings kept from training"
        )
    if all(
        group["label"].endswith(str(number))
        for number, group in enumerate(diagnosis["groups"], start=1)
    ):
        lines.append(
            f"Listen to the groups in the report, then name them: stethoscope label {folder / 'bundle'} 1=NAME 2=NAME"
        )
    return lines


def _figure(figure: Mapping[str, Any]) -> str:
    return "n/a" if figure["value"] is None else f"{figure['value']:.3f}"


def _count(share: Mapping[str, Any], n: int) -> str:
    return "n/a" if share["value"] is None else f"{round(share['value'] * n)} of {n}"
