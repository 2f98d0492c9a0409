"""The command that classifies recordings."""

import argparse
from pathlib import Path

from stethoscope.commands import Add
from stethoscope.commands.answers import print_answers


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("classify", _classify, "classify recordings, a JSON line per file")
    one.add_argument("model", type=Path, metavar="MODEL", help="folder of the classifier")
    one.add_argument("files", nargs="+", metavar="FILE")


def _classify(options: argparse.Namespace) -> int:
    from stethoscope.classification.model import Classifier

    classifier = Classifier.open(options.model)

    def answer(file: str) -> dict[str, object]:
        probabilities = classifier.classify(file)
        return {
            "Label": next(iter(probabilities)),
            "Probabilities": {label: round(p, 4) for label, p in probabilities.items()},
        }

    return print_answers(options.files, answer)
