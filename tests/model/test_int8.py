"""Conversion to int8, and the checks of the result."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import keras
import numpy as np
import pytest

from stethoscope.errors import ModelError
from stethoscope.model.int8 import (
    LEAST_WINDOWS,
    calibration_windows,
    check_for_microcontroller,
    read_model,
    write_int8,
)
from stethoscope.model.network import Int8Network
from stethoscope.model.tflite import convert

WINDOWS = np.random.default_rng(0).standard_normal((LEAST_WINDOWS, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    given = keras.Input((4,))
    return keras.Model(given, keras.layers.Dense(2, activation="relu")(given))


@pytest.fixture(scope="module")
def content(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("int8") / "x.tflite"
    write_int8(network, file, WINDOWS)
    return file.read_bytes()


def test_converted_network_computes_what_keras_computes(
    network: keras.Model, tmp_path: Path
) -> None:
    conversion = write_int8(network, tmp_path / "x.tflite", WINDOWS)
    assert conversion.operators == ("FULLY_CONNECTED",)
    assert conversion.bytes == (tmp_path / "x.tflite").stat().st_size
    expected = np.asarray(network(WINDOWS))
    outputs = Int8Network(tmp_path / "x.tflite")(WINDOWS)
    assert np.abs(outputs - expected).max() <= 0.05 * expected.max()
    difference = np.abs(outputs - expected).max() / np.abs(expected).max()
    assert conversion.difference == pytest.approx(difference)


def test_too_few_windows_are_refused(network: keras.Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="199 windows cannot set the quantisation, 200 are needed"):
        write_int8(network, tmp_path / "x.tflite", WINDOWS[1:])


def test_free_batch_is_refused(network: keras.Model) -> None:
    with pytest.raises(ModelError, match="not a batch of 1; convert with a fixed batch"):
        check_for_microcontroller(convert(network, (None, 4)), "x")


def altered(content: bytes, change: Callable[[Any], None]) -> bytes:
    """Return a TFLite file after a change of its objects."""
    model = read_model(content)
    change(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_weights_outside_of_the_model_are_refused(content: bytes) -> None:
    def move(model: Any) -> None:
        model.buffers[1].offset = 512

    with pytest.raises(ModelError, match="keeps weights outside of the model"):
        check_for_microcontroller(altered(content, move), "x")


def test_custom_operator_is_refused(content: bytes) -> None:
    def rename(model: Any) -> None:
        model.operatorCodes[0].customCode = b"FlexErf"

    assert check_for_microcontroller(altered(content, lambda _: None), "x")
    with pytest.raises(ModelError, match="operators that a microcontroller lacks: FlexErf"):
        check_for_microcontroller(altered(content, rename), "x")


def test_calibration_windows_are_drawn_in_order_and_once() -> None:
    indices = range(0, 100, 2)
    drawn = calibration_windows(20, indices, seed=3)
    assert len(drawn) == 20
    assert (np.diff(drawn) > 0).all()
    assert set(drawn.tolist()) <= set(indices)
    assert calibration_windows(200, indices, seed=3).tolist() == list(indices)
