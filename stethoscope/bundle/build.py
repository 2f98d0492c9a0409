"""From a fitted model to what is deployed."""

import os
import shutil
import tempfile
from pathlib import Path

from stethoscope.bundle.bundle import Bundle, write_bundle
from stethoscope.detection.thresholds import Thresholds
from stethoscope.diagnosis.model import nothing_in
from stethoscope.errors import ParameterError
from stethoscope.files import read_json
from stethoscope.machines import types_of
from stethoscope.options import split_list

FORMATS = ("tflite", "keras", "h5")
"""Formats of exported networks; ``tflite`` is what runs and is always there."""


def export_bundle(
    model: str | os.PathLike[str],
    results: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    formats: str = "keras,tflite",
    diagnosis: str | os.PathLike[str] | None = None,
    diagnosed: str | os.PathLike[str] | None = None,
) -> Bundle:
    """Assemble the bundle of a model and its evaluation, with a diagnosis if there is one.

    Parameters
    ----------
    model, results : path
        Folders written by training and by evaluation.
    folder : path
        Written all or nothing.
    formats : str
        Some of `FORMATS`, separated by commas.
    diagnosis, diagnosed : path, optional
        Folders written by the training and the evaluation of a diagnosis; left out if they say that
        there is nothing to diagnose.

    Raises
    ------
    ParameterError
        If there is no such format.
    """
    wanted = check_formats(formats)
    evaluation = read_json(Path(results) / "evaluation.json")
    thresholds = Thresholds.from_json(read_json(Path(results) / "thresholds.json"))
    description = read_json(Path(model) / "model.json")
    machine_types = types_of(thresholds.machines)
    sources = {"detector": Path(model)}
    settings = {"fit": description.get("fit", {}), "max_fpr": evaluation["max_fpr"]}
    if diagnosis is not None and diagnosed is not None and not nothing_in(diagnosis):
        sources["diagnosis"] = Path(diagnosis)
        settings["class_fit"] = read_json(Path(diagnosis) / "model.json")["fit"]
        evaluation["diagnosis"] = read_json(Path(diagnosed) / "diagnosis.json")
    with tempfile.TemporaryDirectory() as scratch:
        for role, source in sources.items():
            # Which recordings trained it is the user's own affair.
            shutil.copytree(
                source, Path(scratch) / role, ignore=shutil.ignore_patterns("parts.csv")
            )
        for network in sorted(Path(scratch).rglob("*.keras")):
            if "h5" in wanted:
                _write_h5(network)
            if "keras" not in wanted:
                network.unlink()
        return write_bundle(
            folder,
            name=f"{'-'.join(machine_types)}-{description['kind']}",
            models={role: Path(scratch) / role for role in sources},
            thresholds=thresholds,
            metrics=evaluation,
            settings=settings,
        )


def check_formats(text: str) -> set[str]:
    """Return the formats that `text` names, separated by commas.

    Raises
    ------
    ParameterError
        If there is no such format.
    """
    formats = set(split_list(text))
    if unknown := formats - set(FORMATS):
        raise ParameterError(
            f"export_formats holds {', '.join(sorted(unknown))}; choose from {', '.join(FORMATS)}"
        )
    return formats


def _write_h5(network: Path) -> None:
    import keras

    keras.models.load_model(network).save(network.with_suffix(".h5"))
