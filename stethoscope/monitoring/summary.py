"""The folder of results of the main pipeline.

::

    DIR/
        report.html                         what was found
        plots/                              its figures as SVG files
        scores.csv                          score, threshold and decision of every test clip
        result.csv, anomaly_score_*.csv     official result files of the DCASE challenge
        fault_groups.csv                    group of every anomalous clip, and its distance to each
        fault_answers.csv                   answers of the diagnosis for the test recordings
        fault_confusion.csv                 these, counted by group and answer
        bundle/                             the exported model
        inference_service.yaml              manifest of KServe for it, if it was asked for
        summary.json, run.log               settings, figures and warnings; what the steps printed
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stethoscope.counts import format_range
from stethoscope.kubeflow.results import Results, skipped_lines
from stethoscope.machines import format_machine
from stethoscope.terminal import decimal, text_table, typed_path


def closing_lines(summary: Mapping[str, Any], folder: Path) -> list[str]:
    """Return what is printed at the end of a run: figures, faults, and what to do next."""
    evaluation = summary["evaluation"]
    return [
        *_machine_lines(evaluation["overall"]),
        *_session_lines(evaluation.get("sessions", {})),
        *skipped_lines(evaluation["skipped"]),
        *_fault_lines(summary["diagnosis"], folder),
        f"Report: {typed_path(folder / 'report.html')}",
        f"Judge recordings: stethoscope predict {typed_path(folder / 'bundle')} FILE.wav",
    ]


RESULTS = Results(
    files={
        "results/*.csv": ".",
        "diagnosed/*.csv": ".",
        "page": "report.html",
        "serving/*.yaml": ".",
    },
    folders={"bundle": "bundle", "plots": "plots"},
    summary={"evaluation": "results/evaluation.json", "diagnosis": "diagnosed/diagnosis.json"},
    optional=("serving", "plots"),
    closing_lines=closing_lines,
)
"""What of the pipeline's outputs is kept, and where."""


def _session_lines(sessions: Mapping[str, int | None]) -> list[str]:
    """Return how many recording sessions the machines were trained on, in one line.

    No line if a run of an earlier version does not tell.
    """
    if not sessions:
        return []
    known = [number for number in sessions.values() if number is not None]
    unknown = len(sessions) - len(known)
    numbers = format_range(known) if known else "not known from the names of the recordings"
    rest = f", not known for {unknown} of {len(sessions)} machines" if known and unknown else ""
    return [f"recording sessions trained on: {numbers}{rest}"]


def _machine_lines(overall: Mapping[str, Any]) -> list[str]:
    """Return a table with a row per machine, and why an AUC is missing."""
    machines = overall["machines"]
    if not any(one["n_anomaly"] for one in machines) and any(one["n_normal"] for one in machines):
        return _alarm_lines(overall)
    rows = [
        [
            format_machine(one["machine"]),
            decimal(one["auc"]["value"]),
            decimal(one["pauc"]["value"]),
            _count(one["recall"], one["n_anomaly"]),
            _count(one["false_alarm_rate"], one["n_normal"]),
        ]
        for one in machines
    ]
    means = ["mean", decimal(overall["auc"]["value"]), decimal(overall["pauc"]["value"]), "", ""]
    reasons = {one["auc"]["reason"] for one in machines if one["auc"]["value"] is None}
    return [
        *text_table([("machine", "AUC", "pAUC", "found", "false alarms"), *rows, means]),
        *(f"AUC not computable: {reason}" for reason in sorted(reasons)),
    ]


def _alarm_lines(overall: Mapping[str, Any]) -> list[str]:
    """Return the table for a set without anomalous clips: expected false alarms."""
    rows = [
        [format_machine(one["machine"]), _count(rate, one["n_normal"]), *_expected(rate)]
        for one in overall["machines"]
        for rate in [one["false_alarm_rate"]]
    ]
    if len(rows) > 1:
        n_normal = sum(one["n_normal"] for one in overall["machines"])
        rate = overall["false_alarm_rate"]
        rows.append(["all", _count(rate, n_normal), *_expected(rate)])
    return [
        *text_table([("machine", "false alarms", "expected in 100 clips", "95 % interval"), *rows]),
        "no anomalous recordings: whether faults are found was not measured",
    ]


def _expected(rate: Mapping[str, Any]) -> tuple[str, str]:
    """Return the false alarms to expect in 100 normal clips, and their interval."""
    if rate["value"] is None:
        return "n/a", "n/a"
    value, low, high = (100 * rate[name] for name in ("value", "low", "high"))
    return f"{value:.0f}", f"{low:.0f} to {high:.0f}"


def _fault_lines(diagnosis: Mapping[str, Any], folder: Path) -> list[str]:
    """Return the groups of faults and how well they are recognised, or why there are none."""
    if diagnosis["reason"]:
        return [f"Nothing to diagnose: {diagnosis['reason']}"]
    groups, figures = diagnosis["groups"], diagnosis["figures"]
    lines = ["", *_group_table(groups, figures)]
    if figures:
        lines.append(
            f"balanced accuracy {figures['balanced_accuracy']:.3f} over normal and "
            f"{len(figures['classes']) - 1} groups, on recordings that were not used for training"
        )
    if held_out := diagnosis.get("held_out_machine"):
        lines.append(_held_out_line(held_out))
    left_out = diagnosis["left_out_unknown"]
    if left_out["value"] is not None:
        lines.append(
            "faults that were not trained on (each group left out once): "
            f"{100 * left_out['value']:.0f} % of their clips are called unknown"
        )
    if all(group["label"].endswith(str(number)) for number, group in enumerate(groups, start=1)):
        lines.append(
            "Listen to the groups in the report, then name them: "
            f"stethoscope label {typed_path(folder / 'bundle')} 1=NAME 2=NAME"
        )
    return lines


def _held_out_line(held_out: Mapping[str, Any]) -> str:
    """Return how well the faults of the machine that was held out are recognised."""
    line = (
        f"balanced accuracy {held_out['figures']['balanced_accuracy']:.3f} on {held_out['clips']} "
        f"clips of {held_out['machine']}, a machine that was not used for training"
    )
    found = held_out["fault_found"]
    if found:
        line += f"; the likeliest fault is right for {100 * found['value']:.0f} %"
    return line


def _group_table(
    groups: Sequence[Mapping[str, Any]], figures: Mapping[str, Any] | None
) -> list[str]:
    recalls = {one["label"]: one["recall"] for one in figures["classes"]} if figures else {}
    rows = [
        [
            group["label"],
            str(group["clips"]),
            _count(recalls[group["label"]], group["test_clips"]) if recalls else "n/a",
            f"{group['unknown']} of {group['test_clips']}" if group["test_clips"] else "n/a",
        ]
        for group in groups
    ]
    return text_table([("group of faults", "clips", "recognised", "unknown"), *rows])


def _count(share: Mapping[str, Any], n: int) -> str:
    return "n/a" if share["value"] is None else f"{round(share['value'] * n)} of {n}"
