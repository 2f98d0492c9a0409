"""Commands that deal with events in time and with microcontrollers."""

import argparse
import json
from pathlib import Path

from stethoscope.commands import Add
from stethoscope.errors import AudioError


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("events", _events, "list the events of recordings with start, end and score, a JSON line per file")
    one.add_argument("bundle", type=Path, metavar="BUNDLE")
    one.add_argument("files", nargs="+", metavar="FILE")
    one.add_argument(
        "--network", default="float", choices=("float", "int8"), help="int8 answers what a microcontroller would (default: float)"
    )

    one = add("export", _export, "write the model of a bundle as C for a microcontroller")
    one.add_argument("bundle", type=Path, metavar="BUNDLE")
    one.add_argument("--target", required=True, choices=("c",))
    one.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder to write")
    one.add_argument(
        "--recordings", type=Path, nargs="+", default=[], metavar="ARCHIVE", help="a detector's recordings, by which it becomes int8"
    )
    one.add_argument("--machine", default="", help="machine whose threshold is taken, such as fan/02 (default: all of its type)")
    one.add_argument("--max-drop", type=float, default=0.02, help="largest fall of the test AUC that is accepted (default: 0.02)")


def _events(options: argparse.Namespace) -> int:
    from stethoscope.bundle import Bundle
    from stethoscope.events import EventDetector

    detector = Bundle.open(options.bundle).events
    if options.network != "float":
        detector = EventDetector.open(options.bundle / "models" / "events", options.network)
    answered = 0
    for file in options.files:
        try:
            answer: dict[str, object] = {"Events": [event.to_json() for event in detector.listen(file)]}
            answered += 1
        except AudioError as error:
            answer = {"Error": str(error)}
        print(json.dumps({"File": file, **answer}, ensure_ascii=False), flush=True)
    return 0 if answered else 1


def _export(options: argparse.Namespace) -> int:
    from stethoscope.bundle import Bundle
    from stethoscope.export.c import export_c

    bundle = Bundle.open(options.bundle)
    if options.recordings:
        from stethoscope.export.edge import make_edge_detector

        made = make_edge_detector(bundle, options.recordings, machine=options.machine, max_drop=options.max_drop)
        figures = ", ".join(f"{name} {value:.4f}" for name, value in (("float", made.auc), ("int8", made.int8_auc)) if value is not None)
        print(f"AUC over {made.test_clips} test clips: {figures or 'not computable, there are no labelled test clips'}")
        bundle = Bundle.open(options.bundle)
    memory = export_c(bundle, options.output)
    print(memory.to_markdown())
    print(f"{options.output} written; check a build: cmake -B build {options.output} && cmake --build build && build/selftest")
    return 0
