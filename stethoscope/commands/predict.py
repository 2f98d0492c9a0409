"""The command ``predict``."""

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any

from stethoscope.commands import Add
from stethoscope.commands.answers import (
    Columns,
    add_bundle,
    add_exit_code,
    add_files,
    add_machine_id,
    answer_files,
)
from stethoscope.terminal import Cell


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("predict", _predict, "judge whether recordings are anomalous")
    add_bundle(one)
    add_files(one)
    add_exit_code(one, "a recording is anomalous")
    add_machine_id(one)
    one.add_argument(
        "--network",
        default="float",
        choices=("float", "edge"),
        help="edge: judge as the C for a microcontroller does (default: float)",
    )
    one.add_argument(
        "--window",
        type=float,
        metavar="SECONDS",
        help="judge recordings of at least 1.5 windows window by window; 0 never does (default: "
        "the length of the training recordings)",
    )
    one.add_argument(
        "--step",
        type=float,
        metavar="SECONDS",
        help="distance from window to window (default: the length of a window)",
    )


def _predict(options: argparse.Namespace) -> int:
    from stethoscope.bundle.inference import Inference
    from stethoscope.bundle.trial import open_tried

    bundle = open_tried(options.bundle)
    if options.network == "edge":
        from stethoscope.edge.board import board_bundle

        bundle = board_bundle(bundle)
    inference = Inference(bundle)
    # Events are named where there are several classes of them.
    named = "events" in bundle.models and len(bundle.events.classes) > 1
    machine_id, window, step = options.machine_id, options.window, options.step
    return answer_files(
        options,
        lambda file: inference.verdict(
            file, machine_id=machine_id, window=window, step=step
        ).to_json(),
        Columns(
            ("verdict", "score", "threshold", "machine", "notes"),
            "<>><<",
            partial(_rows, named=named),
        ),
        lambda fields: bool(fields["Anomaly"]),
    )


def _rows(fields: Mapping[str, Any], *, named: bool) -> list[list[str | Cell]]:
    details = fields["Details"]
    machine = "/".join(filter(None, (details["MachineType"], details["MachineId"])))
    events = details.get("Events", ())
    notes = [f"{one['label'] if named else 'event'} at {one['start']:.1f} s" for one in events]
    notes += [one["Message"] for one in details.get("Warnings", ())]
    if timeline := details.get("Timeline"):
        judged = sum(score is not None for score in timeline["Scores"])
        notes.append(f"{timeline['Anomalous']} of {judged} windows anomalous")
        if refused := timeline["Refused"]:
            notes.append(f"{len(refused)} refused, the first: {refused[0]['Message']}")
    row: list[str | Cell] = [
        Cell(details["Message"], "bold red" if fields["Anomaly"] else "green"),
        f"{details['Score']:.3g}",
        f"{details['Threshold']:.3g}",
        machine,
        "; ".join(notes),
    ]
    return [row]
