from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import ledoit_wolf

from stethoscope.detection.autoencoder.fit import build, convolutional
from stethoscope.detection.autoencoder.interpolation import Interpolation
from stethoscope.detection.autoencoder.training import Fit, Windows, given_frames
from stethoscope.detection.scorer import load_scorer
from stethoscope.detection.train import write_model
from stethoscope.errors import ParameterError
from stethoscope.features.store import FeatureStore


def test_the_middle_frame_is_left_out_and_to_be_predicted(two_types: Path) -> None:
    store = FeatureStore.open(two_types)
    windows = Windows(
        store,
        np.array([3]),
        5,
        Fit(batch_size=4, shuffle=False, verbose=0),
        training=True,
        predicted=(2,),
    )
    frames = np.array(store.clip_frames(3))
    given, wanted = (batches[0] for batches in next(iter(windows)))
    np.testing.assert_array_equal(
        given[1], np.concatenate([frames[1], frames[2], frames[4], frames[5]])
    )
    np.testing.assert_array_equal(wanted[1], frames[3])
    assert given_frames(5, range(5)) == [0, 1, 2, 3, 4]


def test_over_a_clip_the_network_does_not_see_the_frame_that_it_predicts() -> None:
    keras.utils.set_random_seed(1)
    dense = build(4 * 6, 6)
    whole = convolutional(dense, 5, (2,))
    clip = np.random.default_rng(0).standard_normal((1, 20, 6)).astype(np.float32)
    windows = np.stack([np.delete(clip[0, t : t + 5], 2, axis=0).ravel() for t in range(16)])
    np.testing.assert_allclose(whole(clip)[0], dense(windows), atol=1e-5)
    changed = clip.copy()
    changed[0, 9] += 100.0
    different = np.abs(np.asarray(whole(changed) - whole(clip))[0]).max(axis=1) > 0
    # Frame 9 is the middle of window 7, the only window around it whose prediction does not change.
    assert np.flatnonzero(different).tolist() == [5, 6, 8, 9]


@pytest.mark.parametrize("context", [1, 2, 4])
def test_a_window_needs_a_middle_between_others(context: int) -> None:
    with pytest.raises(
        ParameterError,
        match=f"feature_frames is {context}; interpolation predicts the middle one of an odd number",
    ):
        Interpolation(context=context)


@pytest.mark.parametrize("score", ["mse", "mahalanobis"])
def test_scores_are_what_keras_scipy_and_scikit_learn_say(
    score: str, two_types: Path, tmp_path: Path
) -> None:
    store = FeatureStore.open(two_types)
    training = store.where(lambda clip: clip.split == "train" and clip.machine_type == "pump")
    detector = Interpolation(fit_options=Fit(epochs=1, batch_size=64, verbose=0), score=score).fit(
        store, training, training[:0]
    )
    write_model(tmp_path, detector, store, training, training[:0])
    scorer = load_scorer(tmp_path)
    network = detector.networks_["pump"]

    def errors(frames: np.ndarray) -> np.ndarray:
        windows = np.stack(
            [np.delete(frames[t : t + 5], 2, axis=0).ravel() for t in range(len(frames) - 4)]
        )
        return np.asarray(network(windows)) - frames[2:-2]

    heard = np.concatenate([errors(np.array(store.clip_frames(i))) for i in training]).astype(float)
    precision = np.linalg.inv(ledoit_wolf(heard, assume_centered=True)[0])
    frames = np.array(store.clip_frames(int(training[0])) + 3)
    found = errors(frames).astype(float)
    distances = [mahalanobis(error, np.zeros(12), precision) ** 2 / 12 for error in found]
    expected = np.mean(found**2) if score == "mse" else np.mean(distances)
    assert scorer.score(frames, "pump/00") == pytest.approx(expected, rel=1e-3)

    deviation = scorer.deviation(frames, "pump/00")
    variance = 1.0 if score == "mse" else np.diag(ledoit_wolf(heard, assume_centered=True)[0])
    np.testing.assert_allclose(deviation[2:-2], found**2 / variance, rtol=1e-2, atol=1e-3)
    assert not deviation[:2].any()
    assert not deviation[-2:].any()
