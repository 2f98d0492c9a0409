"""The conversion of a classifier to int8."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from stethoscope.classification.model import Classifier, cover
from stethoscope.diagnosis.model import References
from stethoscope.edge.classifier import EdgeClassifier, make_edge_classifier, without_normalisation
from stethoscope.errors import ModelError
from stethoscope.files import write_json
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes
from tests.edge.clips import RATE


def test_network_without_normalisation_and_softmax_computes_the_same(made: Path) -> None:
    model = keras.models.load_model(made / "model" / "classifier.keras")
    network, mean, deviation = without_normalisation(model)
    given = np.random.default_rng(0).normal(-40, 15, (8, *model.input_shape[1:])).astype(np.float32)
    logits = np.asarray(network((given - mean) / deviation))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert chances == pytest.approx(np.asarray(model(given)), abs=1e-4)


def test_reference_of_a_machine_is_subtracted_before_the_network(
    made: Path, tmp_path: Path
) -> None:
    """A diagnosis classifies deviations from normal: the mean by which C normalises includes the
    machine's normal frame.
    """
    if not isinstance(Classifier.open(made / "model").feature, Mfcc):
        pytest.skip("a diagnosis uses cepstra")
    shutil.copytree(made / "model", tmp_path / "model")
    shift = np.linspace(-2, 2, 16).astype(np.float32)
    edge = make_edge_classifier(
        tmp_path / "model",
        [made / "recordings"],
        layout="folders",
        references=References({"fan/00": shift}),
        max_drop=1.0,
    )
    assert edge.mean - shift == pytest.approx(EdgeClassifier.read(made / "model").mean, abs=1e-4)
    frames = np.random.default_rng(0).normal(0, 5, (edge.window, 16)).astype(np.float32)
    plain = EdgeClassifier.read(made / "model").windows(frames - shift)
    assert edge.windows(frames) == pytest.approx(plain, abs=1e-4)
    assert edge.windows(frames) == pytest.approx(
        (cover(frames, edge.window) - edge.mean) / edge.deviation
    )


def test_machine_that_a_diagnosis_does_not_know_is_refused(made: Path) -> None:
    references = References({"fan/00": np.zeros(16, dtype=np.float32)})
    with pytest.raises(ModelError, match="'fan/09', which the diagnosis does not know; give one"):
        make_edge_classifier(
            made / "model", [made / "recordings"], references=references, machine="fan/09"
        )


def test_classifier_of_several_channels_is_refused(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "model", tmp_path / "model")
    values = len(EdgeClassifier.read(made / "model").mean)
    mel = LogMel(n_fft=512, hop_length=256, n_mels=values // 2, pad_mode="constant")
    feature = Planes(of=mel, channels=2).to_json()
    write_json(
        tmp_path / "model" / "feature.json",
        {**feature, "of": {**feature["of"], "sample_rate": RATE}},
    )
    with pytest.raises(ModelError, match="class_channels=1"):
        make_edge_classifier(tmp_path / "model", [made / "recordings"], layout="folders")
