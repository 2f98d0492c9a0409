"""The command that writes C for microcontrollers."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from stethoscope.commands import Add
from stethoscope.errors import ParameterError
from stethoscope.model.options import MAX_DROP

if TYPE_CHECKING:
    from stethoscope.bundle.bundle import Bundle
    from stethoscope.diagnosis.model import References


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("export", _export, "write the model of a bundle as C for a microcontroller")
    one.add_argument(
        "bundle",
        type=Path,
        metavar="BUNDLE",
        help="the exported model: the folder bundle of a run, or model of a classifier of sounds",
    )
    one.add_argument(
        "--role",
        default="",
        choices=("events", "detector", "diagnosis"),
        help="which of the bundle's models (default: its main one)",
    )
    one.add_argument(
        "--target", required=True, choices=("c",), help="language of the exported code"
    )
    one.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="the folder to write"
    )
    one.add_argument(
        "--recordings",
        type=Path,
        nargs="+",
        default=[],
        metavar="ARCHIVE",
        help="recordings with which a detector or classifier is converted to int8",
    )
    one.add_argument(
        "--layout",
        default="auto",
        help="layout of the recordings of a classifier (default: auto)",
    )
    one.add_argument(
        "--machine",
        default="",
        metavar="TYPE/ID",
        help="machine that a detector is for, such as fan/02 (default: all of its type)",
    )
    one.add_argument(
        "--max-drop",
        type=float,
        default=MAX_DROP.default,
        metavar="X",
        help="accepted loss by the conversion to int8: of the AUC over test clips, or the fraction "
        f"of clips with another label (default: {MAX_DROP.default})",
    )
    one.add_argument(
        "--prefix",
        default="",
        metavar="NAME",
        help="put NAME_ before every name in C, so that a program can hold several models",
    )


def _export(options: argparse.Namespace) -> int:
    from stethoscope.bundle.bundle import Bundle
    from stethoscope.bundle.trial import open_model_tried, open_tried
    from stethoscope.classification.model import Classifier
    from stethoscope.edge.c.export import export_c, export_classifier_c

    folder = options.bundle
    is_classifier = not (folder / "bundle.json").exists() and (folder / "model.json").exists()
    if (
        options.machine
        and not options.recordings
        and (is_classifier or options.role == "diagnosis")
    ):
        raise ParameterError(
            "--machine has no effect on a classifier that is converted already; "
            "convert it for this machine by --recordings"
        )
    MAX_DROP.check(options.max_drop, shown_as="--max-drop")
    if is_classifier:
        open_model_tried(folder, Classifier.open, Classifier.try_out)
        if options.recordings:
            _convert_classifier(folder, options)
        memory = export_classifier_c(folder, options.output, prefix=options.prefix)
    else:
        bundle = open_tried(folder)
        if options.recordings:
            _convert(bundle, options)
            bundle = Bundle.open(folder)
        memory = export_c(
            bundle,
            options.output,
            role=options.role,
            machine=options.machine,
            prefix=options.prefix,
        )
    print(memory.to_markdown())
    print(
        f"{options.output} written; check a build: "
        f"cmake -S {options.output} -B build && cmake --build build && build/selftest"
    )
    return 0


def _convert(bundle: "Bundle", options: argparse.Namespace) -> None:
    """Convert the detector or the diagnosis of a bundle to int8, inside the bundle."""
    from stethoscope.bundle.manifest import update_manifest
    from stethoscope.edge.detector import make_edge_detector

    if options.role == "diagnosis" and bundle.diagnosis is not None:
        model = bundle.folder / "models" / "diagnosis"
        _convert_classifier(model, options, bundle.diagnosis.references)
        update_manifest(bundle.folder, changed=["models/diagnosis"])
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
        f"AUC over {made.test_clips} test clips: "
        f"{figures or 'not computable, there are no labelled test clips'}"
    )


def _convert_classifier(
    model: Path, options: argparse.Namespace, references: "References | None" = None
) -> None:
    """Convert a classifier to int8, inside its folder."""
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
