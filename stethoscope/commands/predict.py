"""Commands that listen with a bundle."""

import argparse
import json
from pathlib import Path

from stethoscope.commands import Add
from stethoscope.errors import AudioError


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add(
        "predict", _predict, "say of recordings whether they are anomalous, a JSON line per file"
    )
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
    answered = 0
    for file in options.files:
        try:
            answer = inference.verdict(file, machine_id=options.machine_id).to_json()
            answered += 1
        except AudioError as error:
            answer = {"Error": str(error)}
        print(json.dumps({"File": file, **answer}, ensure_ascii=False), flush=True)
    return 0 if answered else 1
