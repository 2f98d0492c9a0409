"""Commands that deal with labelled sounds."""

import argparse
import json
from pathlib import Path

from stethoscope.commands import Add
from stethoscope.errors import AudioError


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add(
        "classify", _classify, "say of recordings which class they sound like, a JSON line per file"
    )
    one.add_argument("model", type=Path, metavar="MODEL", help="folder of the classifier")
    one.add_argument("files", nargs="+", metavar="FILE")


def _classify(options: argparse.Namespace) -> int:
    from stethoscope.classification.model import Classifier

    classifier = Classifier.open(options.model)
    answered = 0
    for file in options.files:
        try:
            chances = classifier.listen(file)
            answer: dict[str, object] = {
                "Label": next(iter(chances)),
                "Probabilities": {name: round(p, 4) for name, p in chances.items()},
            }
            answered += 1
        except AudioError as error:
            answer = {"Error": str(error)}
        print(json.dumps({"File": file, **answer}, ensure_ascii=False), flush=True)
    return 0 if answered else 1
