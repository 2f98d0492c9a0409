"""The bundle: what is deployed. Self-contained, checked file by file, and readable without
TensorFlow.

::

    bundle/
        bundle.json             schema version, thresholds with the held-out normal scores behind
        them, metrics,
                                settings, package versions, SHA-256 of every other file
        models/<role>/          a model folder: networks, numbers, the feature's definition
        golden/<role>/          a made-up sound, its frames and its score: what an implementation
        must reproduce c/                      where it was exported for a microcontroller: the same
        in C

Roles are ``detector``, which scores how unlike a machine's normal sound a recording is,
``diagnosis``, which tells which fault it sounds like, and ``events``, which finds events in time. A
bundle has one or more of them; the diagnosis travels with a detector.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Self

import numpy as np
import soundfile

from stethoscope.detection.scorer import Scorer, load_scorer
from stethoscope.detection.thresholds import Thresholds
from stethoscope.diagnosis.model import Diagnosis, fault_label
from stethoscope.errors import ModelError, ParameterError
from stethoscope.events.model import EventDetector
from stethoscope.files import atomic_folder, digest, read_json, write_json
from stethoscope.sound.audio import Samples
from stethoscope.sound.logmel import Frames, LogMel

SCHEMA_VERSION = 2
READABLE_VERSIONS = (1, 2)
"""Schema 2 answers ``reported_at`` where schema 1 answered ``told``; the files are the same."""

Model = Scorer | EventDetector | Diagnosis
"""What can have a role."""

_MANIFEST = "bundle.json"
_GOLDEN_SECONDS = 2.0
_GOLDEN_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Attributes
    ----------
    folder : Path
    manifest : dict
        The content of ``bundle.json``.
    models : mapping of str to Scorer, EventDetector or Diagnosis
        The models by role.
    """

    folder: Path
    manifest: dict[str, Any]
    models: Mapping[str, Model]

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Open a bundle and check that it is whole and that it computes what it computed when it
        was made.

        Raises
        ------
        ModelError
            If a file is missing, altered or added by name only, or the golden score is not met.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise ModelError(f"{folder}: is no bundle folder; give the folder `bundle` of a run")
        manifest = read_json(folder / _MANIFEST)
        if manifest.get("schema_version") not in READABLE_VERSIONS:
            raise ModelError(
                f"{folder}: has bundle schema {manifest.get('schema_version')!r}, this version reads "
                f"{' and '.join(map(str, READABLE_VERSIONS))}; "
                f"install the version that wrote it or export the model again"
            )
        _check_files(folder, manifest.get("files", {}))
        models = {role: _open_model(folder, role) for role in manifest["roles"]}
        for role, model in models.items():
            _check_golden(folder / "golden" / role, model)
        return cls(folder, manifest, models)

    @property
    def detector(self) -> Scorer:
        """The model that scores how unlike a machine's normal sound a recording is.

        Raises
        ------
        ModelError
            If the bundle has none.
        """
        model = self.models.get("detector")
        if not isinstance(model, Scorer):
            raise ModelError(
                f"{self.folder}: has no detector of anomalies, it was made for {', '.join(self.models)}; give another bundle"
            )
        return model

    @property
    def events(self) -> EventDetector:
        """The model that finds events in time.

        Raises
        ------
        ModelError
            If the bundle has none.
        """
        model = self.models.get("events")
        if not isinstance(model, EventDetector):
            raise ModelError(
                f"{self.folder}: has no model of events, it was made for {', '.join(self.models)}; give another bundle"
            )
        return model

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The model that tells which fault a recording sounds like; None if the bundle has none."""
        model = self.models.get("diagnosis")
        return model if isinstance(model, Diagnosis) else None

    @property
    def messages(self) -> Mapping[str, str]:
        """What is said of faults, by their labels; of those that are not named here the label
        itself is said.
        """
        return dict(self.manifest.get("messages", {}))

    @cached_property
    def thresholds(self) -> Thresholds:
        """The detector's thresholds."""
        return Thresholds.from_json(self.manifest["thresholds"])

    @property
    def name(self) -> str:
        """Name of the model, for people."""
        return str(self.manifest["name"])


def write_bundle(
    folder: str | os.PathLike[str],
    *,
    name: str,
    models: Mapping[str, str | os.PathLike[str]],
    metrics: Mapping[str, Any],
    settings: Mapping[str, Any],
    thresholds: Thresholds | None = None,
) -> Bundle:
    """Assemble a bundle, all or nothing, and open it again as a check.

    Parameters
    ----------
    folder : path
    name : str
    models : mapping of str to path
        Folder of the fitted model of each role.
    metrics, settings : mapping
        JSON values that travel along: what was measured, and by which settings.
    thresholds : Thresholds, optional
        The detector's.
    """
    with atomic_folder(folder) as temporary:
        machines = sorted(thresholds.machines) if thresholds else []
        versions: dict[str, str] = {}
        labels: list[str] = []
        for role, source in models.items():
            target = temporary / "models" / role
            shutil.copytree(source, target)
            model = _open_model(temporary, role)
            if isinstance(model.feature, LogMel):
                np.save(target / "mel_filters.npy", model.feature.filters)
            if not isinstance(model, Scorer):
                labels += model.labels
            _write_golden(temporary / "golden" / role, model, machines[0] if machines else "")
            versions |= read_json(target / "model.json")["versions"]
        _write_manifest(
            temporary,
            {
                "schema_version": SCHEMA_VERSION,
                "name": name,
                "roles": list(models),
                "machines": machines,
                "labels": labels,
                "thresholds": thresholds.to_json() if thresholds else None,
                "metrics": dict(metrics),
                "settings": dict(settings),
                "versions": versions,
            },
        )
    return Bundle.open(folder)


def set_thresholds(bundle: Bundle, thresholds: Thresholds) -> None:
    """Give a bundle other thresholds, all or nothing; its models, and the figures measured before,
    stay as they are.
    """
    write_json(bundle.folder / _MANIFEST, {**bundle.manifest, "thresholds": thresholds.to_json()})


def name_faults(
    bundle: Bundle, names: Mapping[int, str], messages: Mapping[int, str] | None = None
) -> Bundle:
    """Name the faults of a bundle's diagnosis; its network stays as it is.

    Parameters
    ----------
    bundle : Bundle
    names : mapping of int to str
        By number of the fault, from 1; an empty name takes a name away.
    messages : mapping of int to str, optional
        What a verdict says of a fault instead of its label, ``fault 2: clogging``; an empty one
        gives the label back.

    Returns
    -------
    Bundle
        The same folder, opened anew.

    Raises
    ------
    ModelError
        If the bundle has no diagnosis.
    ParameterError
        If there is no such fault, or a name cannot be one.
    """
    diagnosis = bundle.diagnosis
    if diagnosis is None:
        raise ModelError(
            f"{bundle.folder}: has no diagnosis whose faults could be named; train it on a set with anomalous recordings"
        )
    said = messages or {}
    if unknown := sorted({*names, *said} - set(range(1, len(diagnosis.labels)))):
        raise ParameterError(
            f"there is no fault {unknown[0]}; the bundle has faults 1 to {len(diagnosis.labels) - 1}"
        )
    labels = list(diagnosis.labels)
    texts = dict(bundle.messages)
    for number, before in enumerate(diagnosis.labels):
        if number in names:
            labels[number] = fault_label(number, names[number])
        message = said.get(number, texts.pop(before, ""))
        texts |= {labels[number]: message.strip()} if message.strip() else {}
    if len(set(labels)) < len(labels):
        raise ParameterError("two faults have the same name; give each its own")
    place = bundle.folder / "models" / "diagnosis" / "model.json"
    write_json(place, {**read_json(place), "labels": labels})
    renamed = dict(zip(diagnosis.labels, labels, strict=True))
    manifest = {key: value for key, value in bundle.manifest.items() if key != "files"}
    named = [renamed.get(label, label) for label in manifest["labels"]]
    _write_manifest(bundle.folder, {**manifest, "labels": named, "messages": texts})
    return Bundle.open(bundle.folder)


def add_files(folder: Path, source: Path, name: str) -> None:
    """Put the folder `source` into a bundle as `name`, in place of what was there, with the hash of
    every file.
    """
    shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(source, folder / name)
    refresh_hashes(folder)


def refresh_hashes(folder: Path) -> None:
    """Write the hashes of all files anew, after something was added on purpose."""
    _write_manifest(
        folder,
        {key: value for key, value in read_json(folder / _MANIFEST).items() if key != "files"},
    )


def _open_model(folder: Path, role: str) -> Model:
    if role not in _ROLES:
        raise ModelError(
            f"{folder}: holds a model for {role!r}, this version knows {', '.join(_ROLES)}; install the version that wrote it"
        )
    return _ROLES[role](folder / "models" / role)


_ROLES: dict[str, Callable[[Path], Model]] = {
    "detector": load_scorer,
    "diagnosis": Diagnosis.open,
    "events": EventDetector.open,
}


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    files = {
        path.relative_to(folder).as_posix(): digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _MANIFEST
    }
    write_json(folder / _MANIFEST, {**manifest, "files": files})


def _check_files(folder: Path, files: Mapping[str, str]) -> None:
    if not files:
        raise ModelError(f"{folder / _MANIFEST}: names no files; export the model again")
    for name, sha256 in files.items():
        path = folder / name
        if (
            PurePosixPath(name).is_absolute()
            or ".." in PurePosixPath(name).parts
            or not path.is_file()
        ):
            raise ModelError(f"{path}: is missing from the bundle; copy the whole folder again")
        if digest(path) != sha256:
            raise ModelError(
                f"{path}: was altered after the export; copy the bundle again or export the model again"
            )


def _write_golden(folder: Path, model: Model, machine: str) -> None:
    """Write a sound that belongs to nobody, with the frames and the score that it must give."""
    folder.mkdir(parents=True)
    feature = model.feature
    window = (
        model.min_frames * feature.hop_length / feature.sample_rate
        if isinstance(model, Scorer)
        else model.window_seconds
    )
    samples = golden_sound(feature.sample_rate, max(_GOLDEN_SECONDS, 2.0 * window))
    soundfile.write(folder / "golden.wav", samples, feature.sample_rate, subtype="PCM_16")
    decoded, _ = soundfile.read(folder / "golden.wav", dtype="float32")
    frames = feature.extract(decoded)
    np.save(folder / "frames.npy", frames)
    write_json(
        folder / "golden.json", {"machine": machine, "score": _golden_score(model, frames, machine)}
    )


def _check_golden(folder: Path, model: Model) -> None:
    golden = read_json(folder / "golden.json")
    score = _golden_score(model, np.load(folder / "frames.npy"), golden["machine"])
    if not np.isclose(score, golden["score"], rtol=_GOLDEN_TOLERANCE, atol=0):
        raise ModelError(
            f"{folder}: the model scores the golden sound {score:.6g} instead of {golden['score']:.6g}; export the model again"
        )


def _golden_score(model: Model, frames: Frames, machine: str) -> float:
    """Return one number that hangs on all of a model: a detector's score, the mean of events'
    scores, a diagnosis's mean class number.
    """
    if isinstance(model, Diagnosis):
        return float(model.probabilities(frames, machine) @ np.arange(1.0, 1 + len(model.labels)))
    return (
        float(np.mean(model.scores(frames)))
        if isinstance(model, EventDetector)
        else model.score(frames, machine)
    )


def golden_sound(sample_rate: int, seconds: float) -> Samples:
    """Return a hum with harmonics, knocks and noise: enough to excite every band.

    Returns
    -------
    np.ndarray [shape=(round(seconds * sample_rate),), dtype=float32]
    """
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    hum = sum(np.sin(2 * np.pi * 50.0 * k * time) / k for k in range(1, 9))
    knocks = np.exp(-40.0 * (time % 0.25)) * np.sin(2 * np.pi * 0.2 * sample_rate * time)
    noise = np.random.default_rng(0).standard_normal(len(time))
    samples: Samples = (0.05 * hum + 0.1 * knocks + 0.02 * noise).astype(np.float32)
    return samples
