"""The models that a bundle can have, by role."""

from collections.abc import Callable
from pathlib import Path

from stethoscope.checks import EXPORT_AGAIN
from stethoscope.classification.model import Classifier
from stethoscope.detection.load import load_scorer
from stethoscope.detection.scorer import Scorer
from stethoscope.diagnosis.model import Diagnosis
from stethoscope.errors import ModelError
from stethoscope.events.model import EventDetector

Model = Scorer | Diagnosis | EventDetector | Classifier

_ROLES: dict[str, Callable[[Path], Model]] = {
    "detector": load_scorer,
    "diagnosis": Diagnosis.open,
    "events": EventDetector.open,
    "classifier": Classifier.open,
}


ROLES = tuple(_ROLES)
"""All roles; the first of them that a bundle has decides what is anomalous."""


def open_model(folder: Path, role: str) -> Model:
    """Open the model that has a role in the bundle `folder`.

    Raises
    ------
    ModelError
        If this version does not know the role, or the model cannot be read.
    """
    if role not in _ROLES:
        raise ModelError(
            f"{folder}: holds a model for {role!r}, this version knows {', '.join(_ROLES)}; "
            "install the version that wrote it"
        )
    place = folder / "models" / role
    model = _ROLES[role](place)
    if not model.feature.sample_rate:  # the rate of the first recording, in training alone
        raise ModelError(f"{place / 'feature.json'}: sample_rate is 0; {EXPORT_AGAIN}")
    return model
