"""From fitted models to a bundle."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.formats import EXPORT_FORMATS
from stethoscope.bundle.golden import write_golden
from stethoscope.bundle.manifest import write_manifest
from stethoscope.bundle.roles import open_model
from stethoscope.detection.scorer import Scorer
from stethoscope.detection.sound_profiles import SOUND_PROFILES, read_sound_profiles
from stethoscope.detection.thresholds import Thresholds
from stethoscope.diagnosis.model import Diagnosis, skip_reason
from stethoscope.errors import ParameterError
from stethoscope.files import atomic_folder, read_json
from stethoscope.machines import types_of
from stethoscope.sound.logmel import LogMel

_TRAINING_ONLY = shutil.ignore_patterns("parts.csv", SOUND_PROFILES)
"""Files of a model folder that name the user's training recordings, or go into the manifest."""


def export_bundle(
    model: str | os.PathLike[str],
    results: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    formats: str = EXPORT_FORMATS.default,
    diagnosis: str | os.PathLike[str] | None = None,
    diagnosed: str | os.PathLike[str] | None = None,
) -> Bundle:
    """Assemble the bundle of a detector and its evaluation, with a diagnosis if there is one.

    Parameters
    ----------
    model, results : path
        Folders written by training and by evaluation.
    folder : path
        Written all or nothing.
    formats : str
        As the parameter ``export_formats``.
    diagnosis, diagnosed : path, optional
        Folders written by the training and the evaluation of a diagnosis. They are left out if
        they are marked as having nothing to diagnose.

    Raises
    ------
    ParameterError
        If there is no such format.
    """
    wanted = set(EXPORT_FORMATS.of({EXPORT_FORMATS.name: formats}))
    evaluation = read_json(Path(results) / "evaluation.json")
    thresholds = Thresholds.from_json(read_json(Path(results) / "thresholds.json"))
    description = read_json(Path(model) / "model.json")
    sources = {"detector": Path(model)}
    settings = {"fit": description.get("fit", {}), "max_fpr": evaluation["max_fpr"]}
    if diagnosis is not None and diagnosed is not None and not skip_reason(diagnosis):
        sources["diagnosis"] = Path(diagnosis)
        settings["class_fit"] = read_json(Path(diagnosis) / "model.json")["fit"]
        evaluation["diagnosis"] = read_json(Path(diagnosed) / "diagnosis.json")
    with tempfile.TemporaryDirectory() as scratch:
        models = {role: Path(scratch) / role for role in sources}
        for role, source in sources.items():
            shutil.copytree(source, models[role], ignore=_TRAINING_ONLY)
            _convert_networks(models[role], wanted)
        return write_bundle(
            folder,
            name=f"{'-'.join(types_of(thresholds.machines))}-{description['kind']}",
            models=models,
            thresholds=thresholds,
            metrics=evaluation,
            settings=settings,
            sound_profiles=read_sound_profiles(Path(model)),
        )


def write_bundle(
    folder: str | os.PathLike[str],
    *,
    name: str,
    models: Mapping[str, str | os.PathLike[str]],
    metrics: Mapping[str, Any],
    settings: Mapping[str, Any],
    thresholds: Thresholds | None = None,
    sound_profiles: Mapping[str, Any] | None = None,
    normal: str = "",
) -> Bundle:
    """Assemble a bundle, all or nothing, and open it as a check.

    Parameters
    ----------
    folder : path
    name : str
        Name of the bundle, for people.
    models : mapping of str to path
        Folder of the fitted model of each role.
    metrics, settings : mapping
        JSON values that are stored with the models: what was measured, and with which settings.
    thresholds : Thresholds, optional
        Those of the detector.
    sound_profiles : mapping, optional
        What the training recordings of the detector were like, as JSON values by machine type.
    normal : str
        The label of normal sound of a classifier, if it is not ``normal``.
    """
    machines = sorted(thresholds.machines) if thresholds else []
    if not thresholds and "diagnosis" in models:
        machines = sorted(Diagnosis.open(models["diagnosis"]).references.means)
    versions: dict[str, str] = {}
    labels: list[str] = []
    with atomic_folder(folder) as temporary:
        for role, source in models.items():
            labels += _add_model(temporary, role, Path(source), machines[0] if machines else "")
            versions |= read_json(temporary / "models" / role / "model.json")["versions"]
        write_manifest(
            temporary,
            {
                "name": name,
                "roles": list(models),
                "machines": machines,
                "labels": labels,
                "thresholds": thresholds.to_json() if thresholds else None,
                "metrics": dict(metrics),
                "settings": dict(settings),
                "versions": versions,
                **({"sound_profiles": dict(sound_profiles)} if sound_profiles else {}),
                **({"normal": normal} if normal else {}),
            },
        )
    return Bundle.open(folder)


def _add_model(folder: Path, role: str, source: Path, machine: str) -> list[str]:
    """Copy a model into a bundle with its golden vectors, and return its labels."""
    target = folder / "models" / role
    shutil.copytree(source, target)
    model = open_model(folder, role)
    if isinstance(model.feature, LogMel):
        np.save(target / "mel_filters.npy", model.feature.filters)
    write_golden(folder / "golden" / role, model, machine)
    return [] if isinstance(model, Scorer) else list(model.labels)


def _convert_networks(folder: Path, formats: set[str]) -> None:
    """Add the HDF5 files of Keras networks if they are wanted; remove the others if they are not.

    The TFLite files are always there.
    """
    for path in sorted(folder.rglob("*.keras")):
        if "h5" in formats:
            _write_h5(path)
        if "keras" not in formats:
            path.unlink()


def _write_h5(network: Path) -> None:
    """Write the HDF5 file of a Keras network beside it."""
    try:
        from stethoscope.model.tensorflow import keras
    except ModuleNotFoundError as error:
        raise ParameterError(
            "export_formats has h5, which only TensorFlow can write, and it is not installed here; "
            "leave out h5, or name an image with TensorFlow for all steps"
        ) from error
    keras.models.load_model(network).save(network.with_suffix(".h5"))
