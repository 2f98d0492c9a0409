"""Classifiers alone: a network of someone else's, and the folder of a model."""

from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import COMPONENT_OK, Inference
from stethoscope.bundle.wrap import wrap_keras, wrap_model_folder
from stethoscope.errors import ModelError, ParameterError

RATE = 16_000
FEATURE = {"sample_rate": RATE, "n_mfcc": 13, "n_mels": 32, "n_fft": 1024, "hop_length": 512}
LABELS = ("fine", "worn", "loose")
WINDOW = 32
pytestmark = pytest.mark.slow


def network(shape: tuple[int, ...], outputs: int = 3, activation: str = "softmax") -> Any:
    """An untrained classifier, as somebody else would have saved it."""
    import keras

    keras.utils.set_random_seed(3)
    given = keras.Input(shape)
    values = keras.layers.Conv2D(4, 3, activation="relu")(given) if len(shape) == 3 else given
    values = keras.layers.Rescaling(0.02)(keras.layers.Flatten()(values))
    return keras.Model(given, keras.layers.Dense(outputs, activation=activation)(values))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    # As many samples as the window has frames.
    sound = 0.1 * np.random.default_rng(1).standard_normal((WINDOW - 1) * 512 + 10)
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return path


def cepstra(clip: Path) -> np.ndarray:
    """Coefficients by librosa [shape=(n_mfcc, n_frames)]."""
    sound, _ = librosa.load(clip, sr=RATE)
    settings = {name: FEATURE[name] for name in ("n_mfcc", "n_mels", "n_fft", "hop_length")}
    found: np.ndarray = librosa.feature.mfcc(y=sound, sr=RATE, **settings)
    return found


@pytest.fixture(scope="module")
def wrapped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A network on coefficients by frames, and the bundle of its HDF5 file."""
    folder = tmp_path_factory.mktemp("wrapped")
    model = network((13, WINDOW, 1))
    model.save(folder / "theirs.h5")
    wrap_keras(
        folder / "theirs.h5", folder / "bundle", labels=LABELS, feature=FEATURE, normal="fine"
    )
    return model, folder / "bundle"


def test_wrapped_network_answers_what_keras_answers_on_the_features_of_librosa(
    wrapped: tuple[Any, Path], clip: Path
) -> None:
    model, folder = wrapped
    expected = model.predict(cepstra(clip)[np.newaxis, :, :, np.newaxis], verbose=0)[0]
    verdict = Inference(Bundle.open(folder)).verdict(clip)
    np.testing.assert_allclose(verdict.probabilities, expected, atol=2e-3)
    likeliest = LABELS[int(expected.argmax())]
    assert verdict.labels == LABELS
    assert verdict.anomaly is (likeliest != "fine")
    assert verdict.message == (COMPONENT_OK if likeliest == "fine" else likeliest)
    assert (verdict.score > verdict.threshold) is verdict.anomaly


@pytest.mark.parametrize(
    ("shape", "arrange"),
    [
        ((WINDOW, 13), lambda found: found.T),
        ((13 * WINDOW,), lambda found: found.reshape(-1)),
        ((13,), lambda found: found.mean(axis=1)),
    ],
    ids=["frames by coefficients", "flattened", "means"],
)
def test_input_of_every_shape_gets_the_values_in_its_order(
    shape: tuple[int, ...], arrange: Any, clip: Path, tmp_path: Path
) -> None:
    model = network(shape, activation="linear")  # logits
    model.save(tmp_path / "theirs.keras")
    bundle = wrap_keras(
        tmp_path / "theirs.keras",
        tmp_path / "bundle",
        labels=LABELS,
        feature=FEATURE,
        seconds=((WINDOW - 1) * 512 + 10) / RATE,
    )
    logits = model.predict(arrange(cepstra(clip))[np.newaxis], verbose=0)[0]
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    verdict = Inference(bundle).verdict(clip)
    np.testing.assert_allclose(verdict.probabilities, expected, atol=2e-3)
    assert verdict.anomaly is False, "without a class of normal sound nothing is anomalous"
    assert verdict.message in LABELS


def test_single_output_is_the_probability_of_the_second_class(clip: Path, tmp_path: Path) -> None:
    model = network((13,), 1, "sigmoid")
    model.save(tmp_path / "theirs.keras")
    bundle = wrap_keras(
        tmp_path / "theirs.keras",
        tmp_path / "bundle",
        labels=("normal", "fault"),
        feature=FEATURE,
        seconds=1.0,
    )
    expected = float(model.predict(cepstra(clip).mean(axis=1)[np.newaxis], verbose=0)[0, 0])
    verdict = Inference(bundle).verdict(clip)
    np.testing.assert_allclose(verdict.probabilities, [1 - expected, expected], atol=2e-3)
    assert verdict.anomaly is (expected > 0.5)


def test_what_does_not_fit_is_said(wrapped: tuple[Any, Path], tmp_path: Path) -> None:
    theirs = wrapped[1].parent / "theirs.h5"
    given: dict[str, Any] = {"labels": LABELS, "feature": FEATURE}
    with pytest.raises(ParameterError, match="labels has 2 classes; the network answers 3"):
        wrap_keras(theirs, tmp_path / "b", **{**given, "labels": LABELS[:2]})
    with pytest.raises(ModelError, match="takes 13 x 32 values, which does not fit 20"):
        wrap_keras(theirs, tmp_path / "b", **{**given, "feature": {**FEATURE, "n_mfcc": 20}})
    with pytest.raises(ParameterError, match="normal is 'good'; choose one of fine, worn, loose"):
        wrap_keras(theirs, tmp_path / "b", **given, normal="good")
    (tmp_path / "text.h5").write_text("no network")
    with pytest.raises(ModelError, match=r"text\.h5: Keras .* cannot load it"):
        wrap_keras(tmp_path / "text.h5", tmp_path / "b", **given)
    assert not (tmp_path / "b").exists()


def test_folder_of_a_classifier_becomes_a_bundle_that_answers_as_it(
    wrapped: tuple[Any, Path], clip: Path, tmp_path: Path
) -> None:
    bundle = wrap_model_folder(wrapped[1] / "models" / "classifier", tmp_path / "bundle")
    verdict = Inference(bundle).verdict(clip)
    answer = bundle.classifier.classify(clip)
    assert verdict.message == next(iter(answer))
    assert dict(zip(verdict.labels, verdict.probabilities, strict=True)) == pytest.approx(answer)
