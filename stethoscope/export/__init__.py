"""From a fitted model to what is deployed."""

import os
import shutil
import tempfile
from pathlib import Path

from stethoscope.bundle import Bundle, write_bundle
from stethoscope.errors import ParameterError
from stethoscope.files import read_json
from stethoscope.thresholds import Thresholds

FORMATS = ("tflite", "keras", "h5")
"""Formats of exported networks; ``tflite`` is what runs and is always there."""


def export_bundle(
    model: str | os.PathLike[str],
    results: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    formats: str = "keras,tflite",
) -> Bundle:
    """Assemble the bundle of a model and its evaluation.

    Parameters
    ----------
    model, results : path
        Folders written by training and by evaluation.
    folder : path
        Written all or nothing.
    formats : str
        Some of `FORMATS`, separated by commas.

    Raises
    ------
    ParameterError
        If there is no such format.
    """
    wanted = check_formats(formats)
    evaluation = read_json(Path(results) / "evaluation.json")
    thresholds = Thresholds.from_json(read_json(Path(results) / "thresholds.json"))
    description = read_json(Path(model) / "model.json")
    machine_types = sorted({machine.partition("/")[0] for machine in thresholds.machines})
    with tempfile.TemporaryDirectory() as scratch:
        staged = Path(scratch) / "detector"
        shutil.copytree(model, staged)
        for network in sorted(staged.rglob("*.keras")):
            if "h5" in wanted:
                _write_h5(network)
            if "keras" not in wanted:
                network.unlink()
        return write_bundle(
            folder,
            name=f"{'-'.join(machine_types)}-{description['kind']}",
            models={"detector": staged},
            thresholds=thresholds,
            metrics=evaluation,
            settings={"fit": description.get("fit", {}), "max_fpr": evaluation["max_fpr"]},
        )


def check_formats(text: str) -> set[str]:
    """Return the formats that `text` names, separated by commas.

    Raises
    ------
    ParameterError
        If there is no such format.
    """
    formats = {part.strip() for part in text.split(",") if part.strip()}
    if unknown := formats - set(FORMATS):
        raise ParameterError(f"export_formats holds {', '.join(sorted(unknown))}; choose from {', '.join(FORMATS)}")
    return formats


def _write_h5(network: Path) -> None:
    import keras

    keras.models.load_model(network).save(network.with_suffix(".h5"))
