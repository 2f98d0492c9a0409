"""A bundle that an earlier version exported, with the verdicts that this version gave.

The folder ``data/schema_1`` holds a detector and a model of events, trained on two simulated fans
and on eight recordings with beeps.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from tests.sounds import beeps

DATA = Path(__file__).with_name("data") / "schema_1"
ANSWERS: dict[str, Any] = json.loads((DATA / "answers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def inference() -> Inference:
    return Inference(Bundle.open(DATA / "bundle"))


@pytest.mark.parametrize("machine_id", ANSWERS)
def test_bundle_of_schema_1_gives_the_same_verdicts(
    inference: Inference, machine_id: str, tmp_path: Path
) -> None:
    beeps(tmp_path, "x", 99, seconds=4.0)
    expected = ANSWERS[machine_id]
    answer = inference.verdict(tmp_path / "audio_x.wav", machine_id=machine_id).to_json()
    assert answer["Anomaly"] == expected["Anomaly"]
    details, wanted = answer["Details"], expected["Details"]
    assert details.keys() == wanted.keys()
    for name in ("Message", "MachineType", "MachineId", "Model"):
        assert details[name] == wanted[name]
    for name in ("Score", "Threshold", "Probabilities"):
        assert details[name] == pytest.approx(wanted[name], rel=1e-6)
    times = [
        {"reported_at" if name == "told" else name: value for name, value in event.items()}
        for event in wanted["Events"]
    ]
    assert len(times) == 2
    for event, time in zip(details["Events"], times, strict=True):
        assert event.pop("label") == "Beep"
        assert event == pytest.approx(time, abs=1e-4)  # answers are rounded to 1e-4
