from pathlib import Path

import keras
import numpy as np
import pytest

from stethoscope.detection.autoencoder.fit import Autoencoder, build, convolutional
from stethoscope.detection.load import load_scorer
from stethoscope.detection.options import FitOptions
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel

pytestmark = pytest.mark.slow


def test_the_network_has_the_layers_and_parameters_of_the_baseline() -> None:
    network = build(640)
    assert network.count_params() == 269_992
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds == ["InputLayer", *["Dense", "BatchNormalization", "ReLU"] * 9, "Dense"]
    assert [layer.units for layer in network.layers if isinstance(layer, keras.layers.Dense)] == [
        *[128] * 4,
        8,
        *[128] * 4,
        640,
    ]


def test_the_convolution_over_a_clip_equals_the_dense_network_over_windows() -> None:
    keras.utils.set_random_seed(1)
    dense = build(5 * 16)
    clip = np.random.default_rng(0).standard_normal((1, 20, 16)).astype(np.float32)
    windows = np.stack([clip[0, t : t + 5].ravel() for t in range(16)])
    np.testing.assert_allclose(
        convolutional(dense, 5, range(5))(clip)[0], dense(windows), atol=1e-5
    )


def test_the_same_seed_gives_the_same_weights(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    clips = store.where(lambda clip: clip.split == "train")

    def weights(seed: int) -> np.ndarray:
        detector = Autoencoder(
            fit_options=FitOptions(epochs=1, batch_size=64, verbose=0, seed=seed)
        ).fit(store, clips, clips[:0])
        return np.concatenate([w.ravel() for w in detector.networks_["fan"].get_weights()])

    np.testing.assert_array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


def test_clips_shorter_than_a_window_are_refused(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    with pytest.raises(DatasetError, match="fewer than one window"):
        Autoencoder(context=64).fit(store, np.arange(3), np.arange(0))


def test_a_model_has_the_feature_of_its_store(fan_store: Path, fan_model: Path) -> None:
    assert (
        load_scorer(fan_model).feature
        == FeatureStore.open(fan_store).feature
        == LogMel(sample_rate=16_000, n_mels=32)
    )


def test_a_predicted_frame_is_not_an_input_of_its_prediction() -> None:
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
