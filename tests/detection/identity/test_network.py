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
    shapes, bins = ((16, 8), (4, 32), (1, 128)), 512
    columns, n_values = 96, 8 + 32 + 128 + bins
    keras.utils.set_random_seed(0)
    mean, variance = np.full(n_values, -40.0, np.float32), np.full(n_values, 25.0, np.float32)
    network = build(32, shapes, mean, variance)
    assert network.output_shape == (None, 4 * 64)
    assert network.count_params() < 400_000
    keras.utils.set_random_seed(0)
    plain = build(32, shapes, np.zeros(n_values, np.float32), np.ones(n_values, np.float32))
    values = np.random.default_rng(0).normal(size=(2, 32 * columns + bins)).astype(np.float32)
    np.testing.assert_allclose(network(5 * values - 40), plain(values), atol=1e-4)


def test_each_branch_reads_a_part_of_the_input() -> None:
    shapes, bins = ((16, 8), (4, 32), (1, 128)), 512
    keras.utils.set_random_seed(0)
    zeros = np.zeros(8 + 32 + 128 + bins, np.float32)
    network = build(32, shapes, zeros, zeros + 1)
    values = np.random.default_rng(0).normal(size=(1, 32 * 96 + bins)).astype(np.float32)
    base = np.asarray(network(values)).reshape(4, 64)
    for branch, columns in enumerate((slice(0, 32), slice(32, 64), slice(64, 96))):
        changed = values.copy()
        changed[0, : 32 * 96].reshape(32, 96)[:, columns] += 1.0
        different = np.abs(np.asarray(network(changed)).reshape(4, 64) - base).max(axis=1) > 1e-6
        assert different.tolist() == [place == branch for place in range(4)]
