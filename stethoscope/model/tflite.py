"""From a Keras network to a TFLite file that is proven to compute the same."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stethoscope.errors import ModelError
from stethoscope.files import atomic_file
from stethoscope.model.network import Network
from stethoscope.native_lines import without_native_lines

if TYPE_CHECKING:
    import keras

_TOLERANCE = 1e-4


def write_tflite(
    model: "keras.Model",
    path: str | os.PathLike[str],
    *,
    shape: Sequence[int | None],
    probe: Sequence[int],
) -> None:
    """Convert a network to float TFLite and check the result against Keras.

    Parameters
    ----------
    model : keras.Model
    path : path
        Where the file is written, all or nothing.
    shape : sequence of int or None
        Shape of the input; dimensions that are None stay free and are set when the network runs.
    probe : sequence of int
        Shape of the random input for which both outputs are compared.

    Raises
    ------
    ModelError
        If the output of the converted network differs, or is NaN.
    """
    content = convert(model, shape)
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)
        inputs = np.random.default_rng(0).standard_normal(probe).astype(np.float32)
        error = difference_to_keras(model, inputs, Network(temporary)(inputs))
        if not error <= _TOLERANCE:
            raise ModelError(
                f"{Path(path).name}: the output of the converted network differs from that of "
                f"Keras by {error:.1e}, at most {_TOLERANCE:.0e} is allowed"
            )


def convert(
    model: "keras.Model",
    shape: Sequence[int | None],
    configure: Callable[[Any], None] = lambda _: None,
) -> bytes:
    """Return a network as the content of a TFLite file.

    Parameters
    ----------
    model : keras.Model
    shape : sequence of int or None
        Shape of the input; dimensions that are None stay free.
    configure : callable
        Sets options of TensorFlow Lite's converter.
    """
    from stethoscope.model.tensorflow import keras, tf

    # Through a saved model: conversion from concrete functions can silently lose the weights.
    with tempfile.TemporaryDirectory() as folder:
        signature = [keras.InputSpec(shape=tuple(shape), dtype="float32")]
        model.export(folder, verbose=False, input_signature=signature)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        configure(converter)
        with without_native_lines():
            content: bytes = converter.convert()
    return content


def difference_to_keras(
    model: "keras.Model", inputs: npt.NDArray[np.float32], outputs: npt.NDArray[np.float32]
) -> float:
    """Return the largest difference of outputs to those of Keras, over the largest of these."""
    expected = np.asarray(model(inputs, training=False))
    differences = np.abs(outputs.reshape(expected.shape) - expected)
    return float(np.max(differences) / (np.max(np.abs(expected)) or 1.0))
