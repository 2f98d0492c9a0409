"""The command that classifies recordings."""

import argparse
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from stethoscope.commands import Add
from stethoscope.commands.answers import Columns, add_files, answer_files
from stethoscope.terminal import Cell


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("classify", _classify, "classify recordings")
    one.add_argument(
        "model", type=Path, metavar="MODEL", help="the classifier: the folder model of a run"
    )
    add_files(one)


def _classify(options: argparse.Namespace) -> int:
    from stethoscope.bundle.trial import open_model_tried
    from stethoscope.classification.model import Classifier
    from stethoscope.errors import ParameterError

    if (options.model / "bundle.json").is_file():
        raise ParameterError(
            f"{options.model}: is a bundle; name the folder `model` of a run of "
            "sound-classification, or judge by the bundle: stethoscope predict"
        )
    classifier = open_model_tried(options.model, Classifier.open, Classifier.try_out)

    def answer(file: str) -> dict[str, object]:
        probabilities = classifier.classify(file)
        return {
            "Label": next(iter(probabilities)),
            "Probabilities": {label: round(p, 4) for label, p in probabilities.items()},
        }

    columns = Columns(("label", "probability", "next likely"), "<><", _rows)
    return answer_files(options, answer, columns)


def _rows(fields: Mapping[str, Any]) -> list[list[str | Cell]]:
    probabilities = fields["Probabilities"]
    others = islice(probabilities.items(), 1, 3)
    row: list[str | Cell] = [
        Cell(fields["Label"], "bold"),
        f"{probabilities[fields['Label']]:.0%}",
        ", ".join(f"{label} {p:.0%}" for label, p in others),
    ]
    return [row]
