from pathlib import Path

import keras
import numpy as np
import pytest

from stethoscope.detection.identity.fit import WARPS, Crops, SubClusterAdaCos, build, warp
from stethoscope.features.store import FeatureStore


def test_warps_worked_by_hand() -> None:
    frames = np.arange(12, dtype=np.float32).reshape(6, 2) * 10
    np.testing.assert_array_equal(warp(frames, 3, 1.0, 0), frames[:3])
    np.testing.assert_array_equal(warp(frames, 3, 2.0, 0), frames[[0, 2, 4]])
    np.testing.assert_allclose(warp(frames, 4, 0.5, 0), [[0, 10], [10, 20], [20, 30], [30, 40]])
    np.testing.assert_array_equal(
        warp(frames, 2, 1.0, 1), [[0, 0], [20, 20]]
    )  # one band up; the lowest is repeated
    np.testing.assert_array_equal(warp(frames, 2, 1.0, -1), [[10, 10], [30, 30]])
    np.testing.assert_array_equal(
        warp(frames[:2], 4, 1.0, 0), frames[[0, 1, 0, 1]]
    )  # too short: repeated


def test_a_type_with_one_id_makes_classes_of_speed_and_pitch(two_types: Path) -> None:
    store = FeatureStore.open(two_types)
    fans = store.where(lambda clip: clip.machine_type == "fan" and clip.split == "train")
    everything = store.where(lambda clip: clip.split == "train")
    assert Crops(store, fans, 40, seed=0, mixup=False).n_classes == 2
    crops = Crops(store, everything, 40, seed=0, mixup=False)
    assert crops.n_classes == 3 * len(WARPS)
    (windows, labels), same = crops[0]
    assert windows.shape == (18, 40, 12)  # every clip is one window long
    np.testing.assert_array_equal(labels, same)
    np.testing.assert_array_equal(labels.sum(axis=1), 1)
    unchanged = labels.argmax(axis=1) % len(WARPS) == 0
    clips = [np.array(store.clip_frames(index)) for index in everything]
    assert [
        any(np.array_equal(window, clip) for clip in clips) for window in windows
    ] == unchanged.tolist()


def test_mixed_windows_have_mixed_labels(two_types: Path) -> None:
    store = FeatureStore.open(two_types)
    fans = store.where(lambda clip: clip.machine_type == "fan" and clip.split == "train")
    (windows, labels), _ = Crops(store, fans, 40, seed=0, mixup=True)[0]
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
    assert ((labels > 0).sum(axis=1) == 2).any()
    # The two fans have other mean spectra: a window lies between them as its label says.
    means = [
        np.mean(
            [store.clip_frames(i) for i in fans if store.clips[i].machine_id == name], axis=(0, 1)
        )
        for name in ("00", "02")
    ]
    direction = means[1] - means[0]
    share = (windows.mean(axis=1) - means[0]) @ direction / (direction @ direction)
    np.testing.assert_allclose(share, labels[:, 1], atol=0.35)


def test_the_loss_layer_is_adacos_with_sub_clusters() -> None:
    """Against the formulas, written out in numpy."""
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(6, 4)).astype(np.float32)
    labels = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    layer = SubClusterAdaCos(3)
    start = layer(embeddings, labels)
    centres, scale = (np.asarray(weight) for weight in layer.weights)
    assert scale == pytest.approx(np.sqrt(2) * np.log(3 * 16 - 1))

    def probabilities(scale: float) -> np.ndarray:
        powers = np.exp(scale * cosines)
        return (powers / powers.sum(axis=1, keepdims=True)).reshape(6, 3, 16).sum(axis=2)

    cosines = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)) @ (
        centres / np.linalg.norm(centres, axis=0)
    )
    np.testing.assert_allclose(start, probabilities(float(scale)), rtol=1e-4, atol=1e-6)
    angles = [
        np.arccos(cosines.reshape(6, 3, 16)[row, label].max())
        for row, label in enumerate(labels.argmax(axis=1))
    ]
    wanted = np.log(np.exp(scale * cosines).sum(axis=1).mean()) / np.cos(
        min(np.pi / 4, np.median(angles))
    )
    trained = layer(embeddings, labels, training=True)
    assert float(layer.weights[1]) == pytest.approx(wanted, rel=1e-4)
    np.testing.assert_allclose(trained, probabilities(wanted), rtol=1e-3, atol=1e-6)


def test_the_network_standardises_its_bands_and_is_small() -> None:
    keras.utils.set_random_seed(0)
    mean, variance = np.full(32, -40.0, np.float32), np.full(32, 25.0, np.float32)
    network = build(64, mean, variance)
    assert network.output_shape == (None, 128)
    assert network.count_params() < 400_000
    keras.utils.set_random_seed(0)
    plain = build(64, np.zeros(32, np.float32), np.ones(32, np.float32))
    frames = np.random.default_rng(0).normal(size=(2, 64, 32)).astype(np.float32)
    np.testing.assert_allclose(network(5 * frames - 40), plain(frames), atol=1e-4)
