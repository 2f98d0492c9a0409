"""A neural network as it is deployed: a TFLite file run by LiteRT."""

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.errors import ModelError


class Network:
    """A TFLite network with one input and one output, safe to call from several threads.

    Every thread has an interpreter of its own: an interpreter keeps its input and output in place.

    Parameters
    ----------
    path : path
        The ``.tflite`` file.

    Raises
    ------
    ModelError
        If the file is no TFLite network.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._name = Path(path).name
        try:
            self._content = Path(path).read_bytes()
        except OSError as error:
            raise ModelError(
                f"{path}: the network cannot be read ({error.strerror}); export the model again"
            ) from error
        self._local = threading.local()
        self._interpreter()

    def __call__(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run the network; free dimensions of its input take the size that `values` has."""
        interpreter = self._interpreter()
        given = interpreter.get_input_details()[0]["index"]
        if self._local.shape != values.shape:
            interpreter.resize_tensor_input(given, values.shape)
            interpreter.allocate_tensors()
            self._local.shape = values.shape
        interpreter.set_tensor(given, values)
        interpreter.invoke()
        answer: npt.NDArray[np.float32] = interpreter.get_tensor(
            interpreter.get_output_details()[0]["index"]
        )
        return answer

    def _interpreter(self) -> Any:  # LiteRT ships no types
        if not hasattr(self._local, "interpreter"):
            from ai_edge_litert.interpreter import Interpreter

            try:
                self._local.interpreter = Interpreter(model_content=self._content, num_threads=1)
            except ValueError as error:
                raise ModelError(
                    f"{self._name}: is not a TFLite network; export the model again"
                ) from error
            # Tensors are allocated by the first call: a convolution cannot be given room for a free
            # dimension.
            self._local.shape = None
        return self._local.interpreter


class Int8Network:
    """A network for a microcontroller: int8 in and out, one window at a time.

    It is run here, by TensorFlow Lite's reference kernels, to know what the device will answer;
    values are rounded as the generated C rounds them.

    Parameters
    ----------
    path : path
        The ``.tflite`` file.

    Raises
    ------
    ModelError
        If the file is no such network.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        try:
            content = Path(path).read_bytes()
            self._interpreter = Interpreter(
                model_content=content,
                num_threads=1,
                experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            )
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: is not a TFLite network; export the model again") from error
        self._interpreter.allocate_tensors()
        self._given, self._answer = (
            self._interpreter.get_input_details()[0],
            self._interpreter.get_output_details()[0],
        )
        if self._given["dtype"] is not np.int8 or self._answer["dtype"] is not np.int8:
            raise ModelError(f"{path}: does not take and give int8; export the model again")
        self._lock = threading.Lock()

    def __call__(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run the network on windows [shape=(n_windows, ...)], one after the other."""
        scale, zero = self._answer["quantization"]
        answers = self.steps(quantise(values, *self._given["quantization"])).astype(np.float32)
        return (answers - np.float32(zero)) * np.float32(scale)

    def steps(self, windows: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """Return the quantised outputs for quantised windows [shape=(n_windows, ...)]."""
        answers = np.empty((len(windows), *self._answer["shape"][1:]), dtype=np.int8)
        with self._lock:
            for index, window in enumerate(windows):
                self._interpreter.set_tensor(
                    self._given["index"], window.reshape(self._given["shape"])
                )
                self._interpreter.invoke()
                answers[index] = self._interpreter.get_tensor(self._answer["index"])[0]
        return answers


def quantise(values: npt.NDArray[np.float32], scale: float, zero: int) -> npt.NDArray[np.int8]:
    """Return the int8 steps that values lie nearest to, halves going to the even one."""
    steps: npt.NDArray[np.int8] = np.clip(
        np.rint(values / np.float32(scale)) + zero, -128, 127
    ).astype(np.int8)
    return steps


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the probabilities [shape=(n, n_classes)] that belong to logits of the same shape."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: npt.NDArray[np.float32] = raised / raised.sum(axis=1, keepdims=True)
    return probabilities
