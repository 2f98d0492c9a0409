"""The network in plain C, compared with LiteRT's reference kernels and TensorFlow Lite Micro."""

import ctypes
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from stethoscope.edge.c.layers import read_layers
from stethoscope.edge.classifier import EdgeClassifier
from stethoscope.errors import ModelError
from stethoscope.model.int8 import LEAST_WINDOWS, write_int8
from stethoscope.model.network import Int8Network
from tests.edge.c_tools import load_library, run_network


def test_plain_c_equals_the_reference_kernels_for_convolutions_and_a_dense_layer(
    loaded: ctypes.CDLL, beep_parts: Path
) -> None:
    inputs = np.random.default_rng(0).integers(-128, 128, (500, 32 * 48), dtype=np.int8)
    expected = Int8Network(beep_parts / "model" / "events_int8.tflite").steps(inputs)
    assert (run_network(loaded, inputs, 1) == expected).all()


def dense_inputs() -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 40, (100, 160))
    return np.clip(np.rint(noise), -128, 127).astype(np.int8)


def test_plain_c_equals_the_reference_kernels_for_dense_layers(
    c_anomaly: Path, edge_bundle: Path, tmp_path: Path
) -> None:
    library = load_library(c_anomaly, tmp_path / "model.so")
    expected = Int8Network(edge_bundle / "models/detector/fan_int8.tflite").steps(dense_inputs())
    assert (run_network(library, dense_inputs(), 160) == expected).all()


def test_tensorflow_lite_micro_differs_by_the_steps_that_the_selftest_allows(
    c_anomaly: Path, edge_bundle: Path
) -> None:
    """It rounds twice per layer; the network has ten."""
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    file = edge_bundle / "models/detector/fan_int8.tflite"
    interpreter = runtime.Interpreter.from_bytes(file.read_bytes(), arena_size=100_000)
    found = re.search(r"GOLDEN_STEPS (\d+)", (c_anomaly / "test/golden.h").read_text())
    assert found
    expected = Int8Network(file).steps(dense_inputs())
    for window, output in zip(dense_inputs(), expected, strict=True):
        interpreter.set_input(window[np.newaxis], 0)
        interpreter.invoke()
        difference = interpreter.get_output(0)[0].astype(int) - output
        assert np.abs(difference).max() <= int(found[1])


def test_plain_c_equals_the_reference_kernels_for_pooling_within_a_step(
    made: Path, tmp_path: Path
) -> None:
    """Convolutions, largest and mean values and a dense layer, with noise as input."""
    library = load_library(made / "c", tmp_path / "model.so")
    edge = EdgeClassifier.read(made / "model")
    size = edge.window * len(edge.mean)
    inputs = np.random.default_rng(0).integers(-128, 128, (60, size), dtype=np.int8)
    expected = Int8Network(made / "model" / "classifier_int8.tflite").steps(inputs)
    outputs = run_network(library, inputs, len(edge.labels))
    assert np.abs(outputs.astype(int) - expected).max() <= 1
    assert (outputs == expected).mean() > 0.9


def int8_content(network: keras.Model, folder: Path) -> bytes:
    windows = np.random.default_rng(0).standard_normal((LEAST_WINDOWS, 4)).astype(np.float32)
    write_int8(network, folder / "x.tflite", windows)
    return (folder / "x.tflite").read_bytes()


def test_network_with_another_operator_is_refused(tmp_path: Path) -> None:
    given = keras.Input((4,))
    network = keras.Model(given, keras.layers.Dense(2, activation="tanh")(given))
    with pytest.raises(ModelError, match="x: holds a TANH, which plain C cannot run; build the"):
        read_layers(int8_content(network, tmp_path), "x")


def test_activation_with_an_upper_bound_is_refused(tmp_path: Path) -> None:
    given = keras.Input((4,))
    network = keras.Model(given, keras.layers.ReLU(6)(keras.layers.Dense(2)(given)))
    with pytest.raises(ModelError, match="ends in another activation than relu"):
        read_layers(int8_content(network, tmp_path), "x")


def test_network_that_is_no_chain_is_refused(tmp_path: Path) -> None:
    given = keras.Input((4,))
    branches = [keras.layers.Dense(2)(given), keras.layers.Dense(2)(given)]
    network = keras.Model(given, keras.layers.Concatenate()(branches))
    with pytest.raises(ModelError, match="does not follow the layer before it"):
        read_layers(int8_content(network, tmp_path), "x")
