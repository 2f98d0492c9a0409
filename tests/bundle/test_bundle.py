from pathlib import Path

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.errors import ModelError


def test_bundle_without_a_model_names_those_that_it_has(fan_bundle: Path) -> None:
    bundle = Bundle.open(fan_bundle)
    assert bundle.diagnosis is None
    assert bundle.detector.kind == "autoencoder"
    with pytest.raises(ModelError, match="has no model of events, it was made for detector"):
        _ = bundle.events


def test_bundle_of_events_has_its_labels_and_no_detector(beep_parts: Path) -> None:
    bundle = Bundle.open(beep_parts / "bundle")
    assert bundle.manifest["labels"] == ["Beep"]
    with pytest.raises(ModelError, match="has no detector of anomalies, it was made for events"):
        _ = bundle.detector
