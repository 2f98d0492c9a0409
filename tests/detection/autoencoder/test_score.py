import zipfile
from pathlib import Path

import keras
import librosa
import numpy as np
import pytest
import soundfile
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import ledoit_wolf

from stethoscope.detection.autoencoder.fit import Interpolation
from stethoscope.detection.load import load_scorer
from stethoscope.detection.options import FitOptions
from stethoscope.detection.train import write_model
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_csv

pytestmark = pytest.mark.slow


def test_scores_equal_the_published_recipe(fan_archive: Path, fan_model: Path) -> None:
    """File by file with librosa, stacked vectors and Keras, as the baseline's own code does."""
    network = keras.models.load_model(fan_model / "fan.keras")
    scorer = load_scorer(fan_model)
    with zipfile.ZipFile(fan_archive) as archive:
        names = [name for name in archive.namelist() if "/test/" in name]
        assert len(names) == 12
        for name in names:
            with archive.open(name) as file:
                samples, rate = soundfile.read(file, dtype="float32")
            mel = librosa.feature.melspectrogram(
                y=samples,
                sr=rate,
                n_fft=1024,
                hop_length=512,
                n_mels=32,
                power=2.0,
                pad_mode="reflect",
            )
            log_mel = 20.0 / 2.0 * np.log10(mel + np.finfo(float).eps)
            n_vectors = log_mel.shape[1] - 5 + 1
            vectors = np.concatenate([log_mel[:, t : t + n_vectors].T for t in range(5)], axis=1)
            published = np.mean(np.square(vectors - network.predict(vectors, verbose=0)))
            assert scorer.score(scorer.feature.extract(samples), "fan/00") == pytest.approx(
                published, rel=1e-3
            )


def test_evidence_is_the_error_of_every_value_less_the_usual_one(fan_model: Path) -> None:
    scorer = load_scorer(fan_model)
    frames = 10 * np.random.default_rng(0).standard_normal((12, 32)).astype(np.float32)
    network = keras.models.load_model(fan_model / "fan.keras")
    with np.load(fan_model / "fan.npz") as numbers:
        usual = numbers["usual"].reshape(5, 32)
    total = np.zeros((12, 32))
    for t in range(8):
        window = frames[t : t + 5]
        predicted = np.asarray(network(window.reshape(1, -1))).reshape(5, 32)
        total[t : t + 5] += np.square(predicted - window) - usual
    evidence = scorer.evidence(frames, "fan/00")
    np.testing.assert_allclose(evidence.values, total / (8 * 5 * 32), rtol=1e-3, atol=1e-6)
    assert evidence.values.sum() == pytest.approx(evidence.score - usual.mean(), rel=1e-4)


def test_what_is_usual_is_the_mean_over_the_training_clips(
    fan_model: Path, fan_store: Path
) -> None:
    """The clips that the network was trained on contribute nothing on the average."""
    scorer, store = load_scorer(fan_model), FeatureStore.open(fan_store)
    rows = {row["path"]: row for row in read_csv(fan_model / "normal_scores.csv")}
    clips = [
        index
        for index, clip in enumerate(store.clips)
        if clip.path in rows and rows[clip.path]["held_out"] == "0"
    ]
    values = [scorer.evidence(np.array(store.clip_frames(i)), "fan/00") for i in clips]
    means = np.mean([one.values.sum(axis=0) for one in values], axis=0)
    scale = np.mean([np.abs(one.values).sum(axis=0) for one in values], axis=0)
    assert len(clips) > 4
    assert np.abs(means / scale).max() < 0.05


@pytest.mark.parametrize("score", ["mse", "mahalanobis"])
def test_scores_equal_those_by_keras_scipy_and_scikit_learn(
    score: str, two_types: Path, tmp_path: Path
) -> None:
    store = FeatureStore.open(two_types)
    training = store.where(lambda clip: clip.split == "train" and clip.machine_type == "pump")
    detector = Interpolation(
        fit_options=FitOptions(epochs=1, batch_size=64, verbose=0), score=score
    ).fit(store, training, training[:0])
    write_model(tmp_path, detector, store, training, training[:0])
    scorer = load_scorer(tmp_path)
    network = detector.networks_["pump"]

    def errors(frames: np.ndarray) -> np.ndarray:
        windows = np.stack(
            [np.delete(frames[t : t + 5], 2, axis=0).ravel() for t in range(len(frames) - 4)]
        )
        return np.asarray(network(windows)) - frames[2:-2]

    deviations = np.concatenate([errors(np.array(store.clip_frames(i))) for i in training]).astype(
        float
    )
    precision = np.linalg.inv(ledoit_wolf(deviations, assume_centered=True)[0])
    frames = np.array(store.clip_frames(int(training[0])) + 3)
    found = errors(frames).astype(float)
    distances = [mahalanobis(error, np.zeros(12), precision) ** 2 / 12 for error in found]
    expected = np.mean(found**2) if score == "mse" else np.mean(distances)
    assert scorer.score(frames, "pump/00") == pytest.approx(expected, rel=1e-3)

    evidence = scorer.evidence(frames, "pump/00")
    matrix = np.eye(12) if score == "mse" else precision
    usual = ((deviations @ matrix) * deviations).mean(axis=0)
    shares = ((found @ matrix) * found - usual) / found.size
    np.testing.assert_allclose(evidence.values[2:-2], shares, rtol=0.05, atol=2e-3)
    assert not evidence.values[:2].any()
    assert not evidence.values[-2:].any()
