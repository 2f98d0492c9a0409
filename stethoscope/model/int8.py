"""From a Keras network to an int8 TFLite file for a microcontroller, and checks of such a file.

Each check finds a fault that a converter or runtime makes without an error: NaN weights, a batch
that stays free, operators that a microcontroller lacks, and buffers that TensorFlow Lite Micro
reads wrongly.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stethoscope.errors import ModelError
from stethoscope.files import atomic_file
from stethoscope.model.network import Int8Network
from stethoscope.model.tflite import convert, difference_to_keras

if TYPE_CHECKING:
    import keras

LEAST_WINDOWS = 200
"""Fewer windows than this set the quantisation badly."""

_MOST_DIFFERENCE = 0.25


@dataclass(frozen=True, slots=True)
class Conversion:
    """The result of a conversion.

    Attributes
    ----------
    bytes : int
        Size of the file.
    operators : tuple of str
        TensorFlow Lite's names, each once, in alphabetical order.
    difference : float
        Largest difference to Keras over the calibration windows, as a share of the largest output.
    """

    bytes: int
    operators: tuple[str, ...]
    difference: float


def write_int8(
    model: "keras.Model", path: str | os.PathLike[str], windows: npt.NDArray[np.float32]
) -> Conversion:
    """Convert a network to full int8, batch 1, and check the result.

    Parameters
    ----------
    model : keras.Model
    path : path
        Where the file is written, all or nothing.
    windows : np.ndarray [shape=(n_windows, ...), dtype=float32]
        Inputs drawn from many recordings, normalised as in training: they set the quantisation.

    Raises
    ------
    ModelError
        If the converted network fails a check.
    """
    name = Path(path).name
    if len(windows) < LEAST_WINDOWS:
        raise ModelError(
            f"{name}: {len(windows)} windows cannot set the quantisation, {LEAST_WINDOWS} are "
            f"needed; give more sound"
        )
    content = convert(
        model, (1, *windows.shape[1:]), lambda converter: _set_int8(converter, windows)
    )
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)
        operators = check_for_microcontroller(content, name)
        difference = difference_to_keras(model, windows, Int8Network(temporary)(windows))
        if not difference <= _MOST_DIFFERENCE:
            raise ModelError(
                f"{name}: the int8 output differs from that of Keras by {difference:.2f} of the "
                f"largest output; calibrate on more recordings"
            )
    return Conversion(len(content), operators, difference)


def _set_int8(converter: Any, windows: npt.NDArray[np.float32]) -> None:
    """Set the options of TensorFlow Lite's converter for full int8."""
    from stethoscope.model.tensorflow import tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([window[np.newaxis]] for window in windows)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    # A scale per tensor is as good for dense layers, a seventh smaller, and takes an eighth of
    # the arena.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True


def check_for_microcontroller(content: bytes, name: str) -> tuple[str, ...]:
    """Return the operators of a TFLite file that a microcontroller can run.

    Raises
    ------
    ModelError
        If the batch is not 1, an operator is custom or needs TensorFlow, or a buffer lies outside
        of the model.
    """
    model = read_model(content)
    graph = model.subgraphs[0]
    for index in (*graph.inputs, *graph.outputs):
        tensor = graph.tensors[index]
        signature = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
        if tensor.shape[0] != 1 or min(signature) < 0:
            raise ModelError(
                f"{name}: {tensor.name.decode()} has shape {list(signature)}, not a batch of 1; "
                f"convert with a fixed batch"
            )
    if any((buffer.offset or 0) > 1 for buffer in model.buffers):
        raise ModelError(
            f"{name}: keeps weights outside of the model, which TensorFlow Lite Micro reads "
            f"wrongly; convert it again, below 2 GB"
        )
    custom = [code.customCode.decode() for code in model.operatorCodes if code.customCode]
    if custom:
        raise ModelError(
            f"{name}: holds operators that a microcontroller lacks: {', '.join(custom)}; "
            f"build it of other layers"
        )
    names = builtin_names()
    return tuple(
        sorted(
            {
                names[max(code.builtinCode, code.deprecatedBuiltinCode)]
                for code in model.operatorCodes
            }
        )
    )


def read_model(content: bytes) -> Any:
    """Parse a TFLite file into the objects of its schema."""
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def builtin_names() -> dict[int, str]:
    """Return the operators' names by their number in TensorFlow Lite's schema."""
    from ai_edge_litert import schema_py_generated as schema

    return {
        number: name
        for name, number in vars(schema.BuiltinOperator).items()
        if isinstance(number, int)
    }


def calibration_windows(
    total: int, indices: Sequence[int] | npt.NDArray[np.intp], seed: int
) -> npt.NDArray[np.intp]:
    """Draw up to `total` of `indices`, in order."""
    chosen = np.random.default_rng(seed).permutation(np.asarray(indices))[:total]
    return np.sort(chosen)
