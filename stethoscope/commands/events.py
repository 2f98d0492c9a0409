"""The command that finds events in recordings."""

import argparse
from pathlib import Path

from stethoscope.commands import Add
from stethoscope.commands.answers import print_answers


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add(
        "events",
        _events,
        "list the events of recordings with start, end and score, a JSON line per file",
    )
    one.add_argument("bundle", type=Path, metavar="BUNDLE")
    one.add_argument("files", nargs="+", metavar="FILE")
    one.add_argument(
        "--network",
        default="float",
        choices=("float", "int8"),
        help="int8 answers as a microcontroller would (default: float)",
    )


def _events(options: argparse.Namespace) -> int:
    from stethoscope.bundle.bundle import Bundle
    from stethoscope.events.model import EventDetector

    detector = Bundle.open(options.bundle).events
    if options.network != "float":
        detector = EventDetector.open(options.bundle / "models" / "events", options.network)
    return print_answers(
        options.files, lambda file: {"Events": [one.to_json() for one in detector.find(file)]}
    )
