"""The bundle: the folder that is deployed.

It is self-contained, checked file by file, and readable without TensorFlow::

    bundle/
        bundle.json        schema version, thresholds with the held-out normal scores behind them,
                           names of faults, metrics, settings, package versions, what the
                           training recordings were like, SHA-256 of every other file and of itself
        models/<role>/     a model folder: networks, numbers, definition of the feature
        golden/<role>/     a synthetic sound, its frames and its score, which every
                           implementation must reproduce
        c/                 the same in C, if it was exported for a microcontroller

The roles are ``detector``, which scores how unlike the normal sound of a machine a recording is,
``diagnosis``, which estimates which fault it is, ``events``, which finds events in time, and
``classifier``, which names the class of a sound. A bundle has one or more of them. The first of
them in this order decides what is anomalous, unless another is chosen.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from stethoscope.bundle.golden import check_golden
from stethoscope.bundle.manifest import NAME, read_manifest
from stethoscope.bundle.roles import ROLES, Model, open_model
from stethoscope.bundle.seal import Seal
from stethoscope.bundle.signature import check_signature
from stethoscope.checks import EXPORT_AGAIN
from stethoscope.classification.model import KIND as CLASSIFIER
from stethoscope.classification.model import Classifier
from stethoscope.detection.scorer import Scorer
from stethoscope.detection.thresholds import Thresholds
from stethoscope.diagnosis.model import NORMAL, Diagnosis
from stethoscope.errors import ModelError, ParameterError
from stethoscope.events.model import EventDetector
from stethoscope.files import advice_on_path, read_json
from stethoscope.sound.suitability import SoundProfile, profiles_from_json


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Attributes
    ----------
    folder : Path
    models : mapping of str to Scorer, EventDetector, Diagnosis or Classifier
        The models by role.
    seal : Seal
        The content of ``bundle.json``, with its digest and signature.
    """

    folder: Path
    models: Mapping[str, Model]
    seal: Seal

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        *,
        public_key: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Open a bundle and check it.

        Parameters
        ----------
        folder : path
        public_key : path, optional
            PEM file of the key that the bundle must be signed with.

        Raises
        ------
        ModelError
            If a file is missing or altered, does not hold what it must, the signature is not that
            of the key, or a model does not compute the score that it had when it was exported.
        ParameterError
            If there is no such key.
        """
        folder = Path(folder)
        if not (folder / NAME).exists():
            raise ModelError(f"{folder}: is not a bundle folder; {_advice(folder)}")
        seal = read_manifest(folder)
        if public_key is not None:
            check_signature(folder, seal, public_key)
        models = {role: open_model(folder, role) for role in seal.entries["roles"]}
        for role, model in models.items():
            check_golden(folder / "golden" / role, model)
        if labels := seal.entries.get("fault_labels"):
            models["diagnosis"] = _named(folder, models.get("diagnosis"), labels)
        bundle = cls(folder, models, seal)
        bundle._check_roles()
        _ = bundle.sound_profiles  # read now, so that damaged ones are refused here
        return bundle

    def _check_roles(self) -> None:
        """Check that models, thresholds and machines belong together."""
        if self.manifest["machines"] != self.machines:
            raise ModelError(
                f"{self.folder}: its machines are not those of its "
                f"{'thresholds' if 'detector' in self.models else 'models'}, "
                f"{', '.join(self.machines)}; {EXPORT_AGAIN}"
            )
        normal = self.manifest.get("normal")
        if normal is not None and normal not in self.manifest["labels"]:
            raise ModelError(
                f"{self.folder}: its class of normal sound, {normal!r}, is none of its labels; "
                f"{EXPORT_AGAIN}"
            )

    @property
    def manifest(self) -> dict[str, Any]:
        """The entries of ``bundle.json``."""
        return self.seal.entries

    @property
    def detector(self) -> Scorer:
        """The model that scores how unlike the normal sound of a machine a recording is.

        Raises
        ------
        ModelError
            If the bundle has none.
        """
        model = self.models.get("detector")
        if not isinstance(model, Scorer):
            raise self._lacks("detector of anomalies")
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
            raise self._lacks("model of events")
        return model

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The model that estimates which fault a recording is; None if the bundle has none."""
        model = self.models.get("diagnosis")
        return model if isinstance(model, Diagnosis) else None

    @property
    def classifier(self) -> Classifier:
        """The model that names the class of a sound.

        Raises
        ------
        ModelError
            If the bundle has none.
        """
        model = self.models.get("classifier")
        if not isinstance(model, Classifier):
            raise self._lacks("classifier of sounds")
        return model

    @property
    def machines(self) -> list[str]:
        """Machine types and ids that the models know, ``fan/00``, in order."""
        if "detector" in self.models:
            return sorted(self.thresholds.machines)
        return sorted(self.diagnosis.references.means) if self.diagnosis else []

    @property
    def normal_label(self) -> str:
        """The class of normal sound; empty for a classifier that has none."""
        if "classifier" not in self.models:
            return NORMAL
        own = NORMAL if NORMAL in self.classifier.labels else ""
        return str(self.manifest.get("normal", own))

    def deciding_role(self, wanted: str = "") -> str:
        """Return the role of the model that decides what is anomalous.

        Parameters
        ----------
        wanted : str
            A role; empty for the first of :data:`ROLES` that the bundle has.

        Raises
        ------
        ParameterError
            If the bundle has no model of the wanted role.
        """
        roles = [role for role in ROLES if role in self.models]
        if wanted and wanted not in roles:
            raise ParameterError(
                f"{self.folder}: has no {wanted} to decide, it was made for {', '.join(roles)}; "
                "choose one of these"
            )
        return wanted or roles[0]

    @property
    def messages(self) -> Mapping[str, str]:
        """Messages of verdicts by the label of the fault; a fault without one has its label."""
        return dict(self.manifest.get("messages", {}))

    @cached_property
    def thresholds(self) -> Thresholds:
        """Thresholds of the detector."""
        return Thresholds.from_json(self.manifest["thresholds"])

    @cached_property
    def sound_profiles(self) -> Mapping[str, SoundProfile]:
        """What the training recordings were like, by machine type; empty in an older bundle."""
        return profiles_from_json(self.manifest.get("sound_profiles", {}), str(self.folder))

    @property
    def name(self) -> str:
        """Name of the model, for people."""
        return str(self.manifest["name"])

    def _lacks(self, what: str) -> ModelError:
        return ModelError(
            f"{self.folder}: has no {what}, it was made for {', '.join(self.models)}; "
            "give another bundle"
        )


def _named(folder: Path, diagnosis: Model | None, labels: Sequence[str]) -> Diagnosis:
    """Return a diagnosis with the names that its faults got after the export."""
    if not isinstance(diagnosis, Diagnosis):
        raise ModelError(f"{folder}: names faults, but has no diagnosis; {EXPORT_AGAIN}")
    if labels[0] != NORMAL or len(labels) != len(diagnosis.labels):
        raise ModelError(
            f"{folder}: its names of faults, {', '.join(labels)}, are not those of its diagnosis; "
            f"{EXPORT_AGAIN}"
        )
    return diagnosis.named(labels)


def _advice(folder: Path) -> str:
    """Return what a user can do who gave a folder that is no bundle."""
    if (folder / "bundle" / NAME).is_file():
        return f"give {folder / 'bundle'}"
    if any(folder.glob("models/*/model.json")):
        return f"its {NAME} is missing; copy the bundle again or export the model again"
    for model in (folder, folder / "model"):
        if _is_classifier(model):
            return f"it is a classifier of sounds: `stethoscope classify {model} FILE`"
    if not folder.exists():
        return advice_on_path(folder) or "no such folder; give the folder `bundle` of a run"
    return "give the folder `bundle` of a run"


def _is_classifier(model: Path) -> bool:
    path = model / "model.json"
    return path.is_file() and read_json(path).get("kind") == CLASSIFIER
