"""From a Keras network to a TFLite file that is proven to compute the same."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stethoscope.errors import ModelError
from stethoscope.files import atomic_file
from stethoscope.model.network import Network

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
        Shape of the random input on which both must agree.

    Raises
    ------
    ModelError
        If the converted network answers differently, or with NaN.
    """
    import keras
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        # Through a saved model: conversion from concrete functions can silently lose the weights.
        model.export(
            folder,
            verbose=False,
            input_signature=[keras.InputSpec(shape=tuple(shape), dtype="float32")],
        )
        content = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)
        given = np.random.default_rng(0).standard_normal(probe).astype(np.float32)
        expected = np.asarray(model(given, training=False))
        answer = Network(temporary)(given)
        error = float(np.max(np.abs(answer - expected)) / (np.max(np.abs(expected)) or 1.0))
        if not error <= _TOLERANCE:
            raise ModelError(
                f"{Path(path).name}: the converted network departs from Keras by {error:.1e}, at most {_TOLERANCE:.0e} is allowed"
            )
