"""A neural network as it is deployed: a TFLite file run by LiteRT."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.checks import EXPORT_AGAIN
from stethoscope.errors import ModelError
from stethoscope.files import open_regular
from stethoscope.native_lines import without_native_lines


class Network:
    """A TFLite network with one input and one output, safe to call from several threads.

    Every thread has an interpreter of its own: an interpreter keeps its input and output in place.

    Parameters
    ----------
    path : path
        The ``.tflite`` file.
    given : tuple of int or None, optional
        The shape of the input that the caller gives; None where the size may vary.

    Raises
    ------
    ModelError
        If the file is no TFLite network, or takes or gives something else.
    """

    def __init__(
        self, path: str | os.PathLike[str], given: Sequence[int | None] | None = None
    ) -> None:
        self._name = Path(path).name
        self._content = _read_network(path)
        self._local = threading.local()
        taken, _ = _details(self._interpreter(), path, np.float32)
        sizes = taken["shape_signature"].tolist()
        if given is not None and not _fits(given, sizes):
            raise _takes_other(path, sizes, given)

    def __call__(
        self, values: npt.NDArray[np.float32], answer: Sequence[int | None] | None = None
    ) -> npt.NDArray[np.float32]:
        """Run the network; free dimensions of its input take the size that `values` has.

        Parameters
        ----------
        values : np.ndarray
        answer : tuple of int or None, optional
            The shape that the answer must have; None where the size may vary.

        Raises
        ------
        ModelError
            If the network cannot be run on the values, or its answer has another shape.
        """
        try:
            found = self._run(values)
        except (RuntimeError, ValueError) as error:
            # The interpreter may keep what could not be run.
            self._local.__dict__.clear()
            raise ModelError(
                f"{self._name}: cannot be run on {_show_shape(values.shape)} "
                f"({_first_line(error)}); {EXPORT_AGAIN}"
            ) from error
        if answer is not None:
            _check_answer(self._name, found.shape, answer)
        return found

    def _run(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        interpreter = self._interpreter()
        given = interpreter.get_input_details()[0]["index"]
        if self._local.shape != values.shape:
            interpreter.resize_tensor_input(given, values.shape)
            with without_native_lines():
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
            except (RuntimeError, ValueError) as error:
                raise ModelError(
                    f"{self._name}: is not a TFLite network; {EXPORT_AGAIN}"
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
    given : tuple of int or None, optional
        The shape of the input that the caller gives; None where the size may vary.

    Raises
    ------
    ModelError
        If the file is no such network.
    """

    def __init__(
        self, path: str | os.PathLike[str], given: Sequence[int | None] | None = None
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        content = _read_network(path)
        try:
            self._interpreter = Interpreter(
                model_content=content,
                num_threads=1,
                experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            )
            with without_native_lines():
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{path}: is not a TFLite network; {EXPORT_AGAIN}") from error
        self._given, self._answer = _details(self._interpreter, path, np.int8)
        sizes = self._given["shape"].tolist()
        if given is not None and not _fits(given[1:], sizes[1:]):
            raise _takes_other(path, sizes, given)
        self._lock = threading.Lock()

    def __call__(
        self, values: npt.NDArray[np.float32], answer: Sequence[int | None] | None = None
    ) -> npt.NDArray[np.float32]:
        """Run the network on windows [shape=(n_windows, ...)], one after the other.

        Parameters and errors are those of :class:`Network`.
        """
        scale, zero = self._answer["quantization"]
        steps = self.steps(quantise(values, *self._given["quantization"])).astype(np.float32)
        if answer is not None:
            _check_answer("the int8 network", steps.shape, answer)
        return (steps - np.float32(zero)) * np.float32(scale)

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


def _read_network(path: str | os.PathLike[str]) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise ModelError(f"{path}: the network is missing; {EXPORT_AGAIN}") from error


def _details(
    interpreter: Any, path: str | os.PathLike[str], kind: type
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the details of a network's only input and only output, of numbers of a kind."""
    try:
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    except (RuntimeError, ValueError) as error:  # such as a name that is no text
        raise ModelError(f"{path}: is not a TFLite network; {EXPORT_AGAIN}") from error
    if [one["dtype"] for one in (*inputs, *outputs)] != [kind, kind]:
        raise ModelError(
            f"{path}: does not take and give one array of {kind.__name__}; {EXPORT_AGAIN}"
        )
    return inputs[0], outputs[0]


def _takes_other(
    path: str | os.PathLike[str], sizes: Sequence[int], given: Sequence[int | None]
) -> ModelError:
    return ModelError(
        f"{path}: takes {_show_shape(sizes)}, the model gives {_show_shape(given)}; {EXPORT_AGAIN}"
    )


def _fits(shape: Sequence[int | None], sizes: Sequence[int]) -> bool:
    """Return whether a shape can be that of an array; free sizes are None and -1."""
    return len(shape) == len(sizes) and all(
        one is None or size in (-1, one) for one, size in zip(shape, sizes, strict=True)
    )


def _check_answer(name: str, found: Sequence[int], answer: Sequence[int | None]) -> None:
    if not _fits(answer, found):
        raise ModelError(
            f"{name}: answers {_show_shape(found)} instead of {_show_shape(answer)}; {EXPORT_AGAIN}"
        )


def _show_shape(shape: Sequence[int | None]) -> str:
    return " × ".join("n" if size in (None, -1) else str(size) for size in shape) or "a number"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]


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
