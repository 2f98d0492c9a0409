"""The command that finds events in recordings."""

import argparse
from collections.abc import Mapping
from typing import Any

from stethoscope.commands import Add
from stethoscope.commands.answers import Columns, add_bundle, add_exit_code, add_files, answer_files
from stethoscope.terminal import Cell


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add(
        "events",
        _events,
        "list the events of recordings with label, start, end and score",
    )
    add_bundle(one)
    add_files(one)
    add_exit_code(one, "an event is found")
    one.add_argument(
        "--network",
        default="float",
        choices=("float", "int8"),
        help="int8 answers as a microcontroller would (default: float)",
    )


def _events(options: argparse.Namespace) -> int:
    from stethoscope.bundle.trial import open_tried
    from stethoscope.events.model import EventDetector

    detector = open_tried(options.bundle).events
    if options.network != "float":
        detector = EventDetector.open(options.bundle / "models" / "events", options.network)
    return answer_files(
        options,
        lambda file: {"Events": [one.to_json() for one in detector.find(file)]},
        Columns(("event", "start, s", "end, s", "score"), "<>>>", _rows),
        lambda fields: bool(fields["Events"]),
    )


def _rows(fields: Mapping[str, Any]) -> list[list[str | Cell]]:
    """Return a row per event."""
    rows: list[list[str | Cell]] = [
        [
            Cell(one["label"], "bold"),
            f"{one['start']:.2f}",
            f"{one['end']:.2f}",
            f"{one['score']:.2f}",
        ]
        for one in fields["Events"]
    ]
    return rows or [["none", "", "", ""]]
