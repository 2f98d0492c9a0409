"""Conversion to TFLite."""

from pathlib import Path

import keras
import numpy as np
import pytest

from stethoscope.errors import ModelError
from stethoscope.model.network import Network
from stethoscope.model.tflite import difference_to_keras, write_tflite


def dense(weights: np.ndarray) -> keras.Model:
    """Return a network that multiplies by a matrix."""
    given = keras.Input((weights.shape[0],))
    layer = keras.layers.Dense(weights.shape[1], use_bias=False)
    model = keras.Model(given, layer(given))
    layer.set_weights([weights])
    return model


WEIGHTS = np.arange(8, dtype=np.float32).reshape(4, 2)


def test_converted_network_takes_batches_of_any_size(tmp_path: Path) -> None:
    write_tflite(dense(WEIGHTS), tmp_path / "x.tflite", shape=(None, 4), probe=(3, 4))
    network = Network(tmp_path / "x.tflite")
    for size in (1, 7):
        inputs = np.random.default_rng(size).standard_normal((size, 4)).astype(np.float32)
        assert network(inputs) == pytest.approx(inputs @ WEIGHTS, abs=1e-5)


def test_network_with_nan_is_refused_and_not_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"x\.tflite: .* differs from that of Keras by nan"):
        write_tflite(dense(WEIGHTS * np.nan), tmp_path / "x.tflite", shape=(None, 4), probe=(3, 4))
    assert not (tmp_path / "x.tflite").exists()


def test_difference_is_a_share_of_the_largest_output() -> None:
    inputs = np.eye(4, dtype=np.float32)
    outputs = WEIGHTS.copy()
    outputs[0, 1] += 1.4
    # The largest output is 7.
    assert difference_to_keras(dense(WEIGHTS), inputs, outputs) == pytest.approx(0.2)
