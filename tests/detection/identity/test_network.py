import keras
import numpy as np
import pytest

from stethoscope.detection.identity.network import SubClusterAdaCos, build


def test_the_loss_layer_equals_the_formulas_of_sub_cluster_adacos() -> None:
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
