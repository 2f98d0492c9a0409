import zipfile
from pathlib import Path

import keras
import librosa
import numpy as np
import pytest
import soundfile

from stethoscope.detection.autoencoder.fit import Autoencoder, build, convolutional
from stethoscope.detection.autoencoder.training import Fit, Windows, window_starts
from stethoscope.detection.scorer import load_scorer
from stethoscope.errors import DatasetError, ParameterError
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel


def test_the_network_is_the_baselines() -> None:
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


def test_the_convolution_over_a_clip_equals_the_dense_network_over_windows() -> None:
    keras.utils.set_random_seed(1)
    dense = build(5 * 16)
    clip = np.random.default_rng(0).standard_normal((1, 20, 16)).astype(np.float32)
    windows = np.stack([clip[0, t : t + 5].ravel() for t in range(16)])
    np.testing.assert_allclose(
        convolutional(dense, 5, range(5))(clip)[0], dense(windows), atol=1e-5
    )


def test_deviation_is_the_error_of_every_value_averaged_over_its_windows(fan_model: Path) -> None:
    scorer = load_scorer(fan_model)
    frames = 10 * np.random.default_rng(0).standard_normal((12, 32)).astype(np.float32)
    network = keras.models.load_model(fan_model / "fan.keras")
    total, count = np.zeros((12, 32)), np.zeros((12, 1))
    for t in range(8):
        window = frames[t : t + 5]
        total[t : t + 5] += np.square(
            np.asarray(network(window.reshape(1, -1))).reshape(5, 32) - window
        )
        count[t : t + 5] += 1
    np.testing.assert_allclose(scorer.deviation(frames, "fan/00"), total / count, rtol=1e-3)


def given(windows: Windows) -> np.ndarray:
    """What the network is given in an epoch [shape=(n_windows, n_values)]."""
    return np.concatenate([batches.reshape(-1, batches.shape[-1]) for batches, _ in windows])


def test_windows_never_cross_clips_and_cover_every_start_once_an_epoch(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    clips = np.array([3, 7, 1])
    starts = window_starts(store, clips, 5)
    expected = {
        int(store.first_frame[clip]) + t
        for clip in clips
        for t in range(int(store.n_frames[clip]) - 4)
    }
    assert set(starts.tolist()) == expected
    windows = Windows(store, clips, 5, Fit(batch_size=16, verbose=0), training=True)
    first = given(windows)
    second = given(windows)
    stacked = np.stack([store.frames[start : start + 5].ravel() for start in sorted(expected)])
    assert len(first) == len(expected)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(stacked, axis=0))
    np.testing.assert_array_equal(np.sort(second, axis=0), np.sort(stacked, axis=0))
    assert not np.array_equal(first, second)


def test_an_epoch_can_take_a_share_of_the_windows(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    clips = np.arange(4)
    total = len(window_starts(store, clips, 5))
    for shuffle in (True, False):
        windows = Windows(
            store,
            clips,
            5,
            Fit(batch_size=8, shuffle=shuffle, epoch_share=0.25, verbose=0),
            training=True,
        )
        assert len(given(windows)) == round(total / 4)


def test_shares_of_an_epoch_keep_the_steps_that_are_needed_and_are_validated_once_for_a_whole_epoch(
    fan_store: Path,
) -> None:
    store = FeatureStore.open(fan_store)
    clips = store.where(lambda clip: clip.split == "train")
    whole, part = (
        Fit(epochs=6, batch_size=64, epoch_share=share, verbose=0) for share in (1.0, 0.25)
    )
    assert (
        Windows(store, clips, 5, part, training=True).n_batches
        == Windows(store, clips, 5, whole, training=True).n_batches
    )
    long = Fit(epochs=20_000, batch_size=64, epoch_share=0.25, verbose=0)
    n_windows = len(given(Windows(store, clips, 5, long, training=True)))
    assert Windows(store, clips, 5, long, training=True).n_batches == -(
        -n_windows // 64
    )  # steps enough: batches keep their size
    curves = Autoencoder(fit_options=part).fit(store, clips[2:], clips[:2]).curves_["fan"]
    assert (len(curves["loss"]), len(curves["val_loss"])) == (
        6,
        2,
    )  # every third epoch: four do not divide six


def test_without_shuffling_windows_come_in_order(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    windows = Windows(
        store, np.array([0]), 5, Fit(batch_size=4, shuffle=False, verbose=0), training=True
    )
    np.testing.assert_array_equal(given(windows)[1].reshape(5, 32), store.frames[1:6])


def test_the_seed_decides_everything(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    clips = store.where(lambda clip: clip.split == "train")

    def weights(seed: int) -> np.ndarray:
        detector = Autoencoder(fit_options=Fit(epochs=1, batch_size=64, verbose=0, seed=seed)).fit(
            store, clips, clips[:0]
        )
        return np.concatenate([w.ravel() for w in detector.networks_["fan"].get_weights()])

    np.testing.assert_array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


def test_loss_falls_and_validation_is_measured(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    clips = store.where(lambda clip: clip.split == "train")
    curves = (
        Autoencoder(fit_options=Fit(epochs=4, batch_size=64, verbose=0))
        .fit(store, clips[2:], clips[:2])
        .curves_["fan"]
    )
    assert set(curves) == {"loss", "val_loss"}
    assert len(curves["loss"]) == 4
    assert curves["loss"][-1] < curves["loss"][0]


def test_clips_shorter_than_a_window_are_refused(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    with pytest.raises(DatasetError, match="fewer than one window"):
        Autoencoder(context=64).fit(store, np.arange(3), np.arange(0))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "fit_epochs is 0"),
        ({"batch_size": 0}, "fit_batch_size is 0"),
        ({"validation_split": 1.0}, "fit_validation_split is 1.0"),
        ({"verbose": 3}, "fit_verbose is 3"),
        ({"epoch_share": 0.0}, "detector_epoch_share is 0.0"),
        ({"compile_optimizer": "adm"}, "fit_compile_optimizer is 'adm'"),
        ({"compile_loss": "mse2"}, "fit_compile_loss is 'mse2'"),
    ],
)
def test_impossible_parameters_are_named(values: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Fit(**values)


def test_a_diverging_training_is_said(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    wild = Fit(
        epochs=3,
        batch_size=8,
        verbose=0,
        compile_optimizer='{"class_name": "SGD", "config": {"learning_rate": 1e30}}',
    )
    with pytest.raises(ParameterError, match="training diverged"):
        Autoencoder(fit_options=wild).fit(store, np.arange(4), np.arange(0))


def test_logmel_of_the_model_is_that_of_the_store(fan_store: Path, fan_model: Path) -> None:
    assert (
        load_scorer(fan_model).feature
        == FeatureStore.open(fan_store).feature
        == LogMel(sample_rate=16_000, n_mels=32)
    )
