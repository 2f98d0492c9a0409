"""Probabilities in C, compared with Python."""

from pathlib import Path

import pytest
import soundfile

from stethoscope.classification.model import Classifier, prepare_frames
from stethoscope.edge.classifier import EdgeClassifier
from stethoscope.model.network import Int8Network, softmax
from tests.edge.c_tools import run_listen
from tests.edge.clips import RATE, sound


@pytest.mark.parametrize("seconds", [0.3, 1.25, 3.4])
def test_compiled_program_prints_the_probabilities_of_the_int8_network(
    made: Path, tmp_path: Path, seconds: float
) -> None:
    """Clips shorter than the window, as long, and of several windows."""
    edge, feature = EdgeClassifier.read(made / "model"), Classifier.open(made / "model").feature
    int8 = Int8Network(made / "model" / "classifier_int8.tflite")
    equal = 0
    for label in ("tone", "hiss"):
        soundfile.write(tmp_path / "clip.wav", sound(label, 99, seconds), RATE, subtype="PCM_16")
        rows = dict(run_listen(made / "c", tmp_path / "listen", tmp_path / "clip.wav"))
        samples, _ = soundfile.read(tmp_path / "clip.wav", dtype="float32")
        windows = edge.windows(prepare_frames(feature.extract(samples), feature))
        expected = softmax(int8(windows)).mean(axis=0)
        printed = {name: float(value) for name, value in rows.items()}
        assert printed == pytest.approx(
            dict(zip(edge.labels, expected.tolist(), strict=True)), abs=0.03
        )
        assert list(printed.values()) == sorted(printed.values(), reverse=True)
        equal += next(iter(printed)) == label
    assert equal == 2 or seconds < 1
