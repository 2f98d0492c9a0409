"""Commands that deal with events in time and with microcontrollers."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from stethoscope.commands import Add
from stethoscope.errors import AudioError

if TYPE_CHECKING:
    from stethoscope.bundle.bundle import Bundle
    from stethoscope.diagnosis.model import References


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
        help="int8 answers what a microcontroller would (default: float)",
    )

    one = add("export", _export, "write the model of a bundle as C for a microcontroller")
    one.add_argument(
        "bundle",
        type=Path,
        metavar="BUNDLE",
        help="or the folder `model` of a classifier of sounds",
    )
    one.add_argument(
        "--role",
        default="",
        choices=("events", "detector", "diagnosis"),
        help="which of the bundle's models (default: its main one)",
    )
    one.add_argument("--target", required=True, choices=("c",))
    one.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="the folder to write"
    )
    one.add_argument(
        "--recordings",
        type=Path,
        nargs="+",
        default=[],
        metavar="ARCHIVE",
        help="recordings of a detector or classifier, by which it becomes int8",
    )
    one.add_argument(
        "--layout", default="auto", help="how a classifier's recordings are named (default: auto)"
    )
    one.add_argument(
        "--machine",
        default="",
        help="machine whose threshold is taken, such as fan/02 (default: all of its type)",
    )
    one.add_argument(
        "--max-drop",
        type=float,
        default=0.02,
        help="largest fall of the test AUC, or share of clips that are answered otherwise, that is accepted (default: 0.02)",
    )


def _events(options: argparse.Namespace) -> int:
    from stethoscope.bundle.bundle import Bundle
    from stethoscope.events.model import EventDetector

    detector = Bundle.open(options.bundle).events
    if options.network != "float":
        detector = EventDetector.open(options.bundle / "models" / "events", options.network)
    answered = 0
    for file in options.files:
        try:
            answer: dict[str, object] = {
                "Events": [event.to_json() for event in detector.listen(file)]
            }
            answered += 1
        except AudioError as error:
            answer = {"Error": str(error)}
        print(json.dumps({"File": file, **answer}, ensure_ascii=False), flush=True)
    return 0 if answered else 1


def _export(options: argparse.Namespace) -> int:
    from stethoscope.bundle.bundle import Bundle
    from stethoscope.edge.c import export_c, export_classifier_c

    if not (options.bundle / "bundle.json").exists() and (options.bundle / "model.json").exists():
        if options.recordings:
            _convert_classifier(options.bundle, options)
        memory = export_classifier_c(options.bundle, options.output)
    else:
        bundle = Bundle.open(options.bundle)
        if options.recordings:
            _convert(bundle, options)
            bundle = Bundle.open(options.bundle)
        memory = export_c(bundle, options.output, role=options.role)
    print(memory.to_markdown())
    print(
        f"{options.output} written; check a build: cmake -S {options.output} -B build && cmake --build build && build/selftest"
    )
    return 0


def _convert(bundle: "Bundle", options: argparse.Namespace) -> None:
    from stethoscope.bundle.manifest import update_manifest
    from stethoscope.edge.detector import make_edge_detector

    if options.role == "diagnosis" and bundle.diagnosis is not None:
        _convert_classifier(
            bundle.folder / "models" / "diagnosis", options, bundle.diagnosis.references
        )
        update_manifest(bundle.folder)
        return
    made = make_edge_detector(
        bundle, options.recordings, machine=options.machine, max_drop=options.max_drop
    )
    figures = ", ".join(
        f"{name} {value:.4f}"
        for name, value in (("float", made.auc), ("int8", made.int8_auc))
        if value is not None
    )
    print(
        f"AUC over {made.test_clips} test clips: {figures or 'not computable, there are no labelled test clips'}"
    )


def _convert_classifier(
    model: Path, options: argparse.Namespace, references: "References | None" = None
) -> None:
    from stethoscope.edge.classifier import make_edge_classifier

    made = make_edge_classifier(
        model,
        options.recordings,
        layout=options.layout,
        references=references,
        machine=options.machine,
        max_drop=options.max_drop,
    )
    print(f"int8 answers {made.agreement:.1%} of {made.clips} clips as the float network does")
