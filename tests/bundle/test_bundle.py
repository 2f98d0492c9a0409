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


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        ("bundles", r"did you mean .*/bundle\?"),
        ("nothing-alike", "no such folder; give the folder `bundle` of a run"),
        (".", r"is not a bundle folder; give .*/bundle"),
        ("classes", r"a classifier of sounds: `stethoscope classify .*/classes/model FILE`"),
        ("classes/model", r"a classifier of sounds: `stethoscope classify .*/classes/model FILE`"),
        ("halved", r"its bundle\.json is missing; copy the bundle again"),
    ],
)
def test_what_is_no_bundle_is_refused_with_what_to_do(
    make: str, advice: str, tmp_path: Path
) -> None:
    for name in ("bundle/bundle.json", "halved/models/detector/model.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "classes" / "model").mkdir(parents=True)
    (tmp_path / "classes" / "model" / "model.json").write_text('{"kind": "classifier"}')
    with pytest.raises(ModelError, match=advice):
        Bundle.open(tmp_path / make)
