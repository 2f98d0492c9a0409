"""Verdicts in C, compared with Python."""

from pathlib import Path

import pytest
import soundfile

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.golden import golden_sound
from stethoscope.edge.c.frontend import stream_frames
from stethoscope.edge.detector import edge_score
from stethoscope.files import read_json
from stethoscope.model.network import Int8Network
from tests.edge.c_tools import run_listen


def test_compiled_program_prints_the_verdicts_of_the_int8_network(
    c_anomaly: Path, edge_bundle: Path, tmp_path: Path
) -> None:
    """Two blocks of a recording, scored by Python from the frames that a stream gives."""
    feature = Bundle.open(edge_bundle).detector.feature
    soundfile.write(
        tmp_path / "long.wav",
        golden_sound(feature.sample_rate, 21.0),
        feature.sample_rate,
        subtype="PCM_16",
    )
    rows = run_listen(c_anomaly, tmp_path / "listen", tmp_path / "long.wav")
    samples, _ = soundfile.read(tmp_path / "long.wav", dtype="float32")
    frames = stream_frames(feature, samples)
    block = 5 * round(10 * feature.sample_rate / feature.hop_length / 5)
    network = Int8Network(edge_bundle / "models/detector/fan_int8.tflite")
    expected = [edge_score(network, frames[first : first + block], 5) for first in (0, block)]
    assert [float(row[2]) for row in rows] == pytest.approx(expected, rel=1e-3)
    threshold = read_json(edge_bundle / "models/detector/edge.json")["threshold"]
    assert [row[3] == "anomalous" for row in rows] == [score > threshold for score in expected]
