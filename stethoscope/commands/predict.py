"""The command ``predict``."""

import argparse
from pathlib import Path

from stethoscope.commands import Add
from stethoscope.commands.answers import print_answers


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("predict", _predict, "judge whether recordings are anomalous, a JSON line per file")
    one.add_argument("bundle", type=Path, metavar="BUNDLE")
    one.add_argument("files", nargs="+", metavar="FILE")
    one.add_argument(
        "--machine-id",
        default="",
        help="id of the machine, such as 02; by default taken from the file's name",
    )


def _predict(options: argparse.Namespace) -> int:
    from stethoscope.bundle.bundle import Bundle
    from stethoscope.bundle.inference import Inference

    inference = Inference(Bundle.open(options.bundle))
    machine_id = options.machine_id
    return print_answers(
        options.files,
        lambda file: inference.verdict(file, machine_id=machine_id).to_json(),
    )
