"""The layers of an int8 TFLite file, as plain C can run them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.errors import ModelError
from stethoscope.model.int8 import builtin_names, read_model

_SHAPELESS = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE")
"""Operators that change the shape of a tensor but not its values."""

_SAME_PADDING = 0
_NONE, _RELU = 0, 1

Shape = tuple[int, int, int]
"""Height, width and channels."""


@dataclass(frozen=True)
class Layer:
    """A layer of the network.

    Attributes
    ----------
    kind : {"convolution", "max_pool", "average_pool", "lookup"}
        A dense layer is a convolution over one pixel.
    input_shape, output_shape : Shape
    kernel : tuple of int
        Height and width.
    stride, pad : tuple of int
        Vertical and horizontal.
    in_zero, out_zero, least : int
        Zero points, and the smallest output.
    weights : int
        Their offset in the file, in bytes; 0 for none.
    bias : tuple of int
        Of every channel, less the input's zero point times the sum of its weights.
    multiplier, shift : tuple of int
        By which sums are scaled to outputs, one or one per channel.
    lookup : tuple of int
        Output for every input from -128.
    """

    kind: str
    input_shape: Shape
    output_shape: Shape
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    in_zero: int = 0
    out_zero: int = 0
    least: int = -128
    weights: int = 0
    bias: tuple[int, ...] = ()
    multiplier: tuple[int, ...] = ()
    shift: tuple[int, ...] = ()
    lookup: tuple[int, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return (
            math.prod(self.output_shape) * math.prod(self.kernel) * self.input_shape[2]
            if self.kind == "convolution"
            else 0
        )

    @property
    def patch(self) -> int:
        """Values under a kernel that are copied together; 0 where they are together in the input.

        They are not where a kernel has several rows, or reaches outside the input.
        """
        ends = (
            (count - 1) * stride - pad + kernel
            for count, stride, pad, kernel in zip(
                self.output_shape[:2], self.stride, self.pad, self.kernel, strict=True
            )
        )
        outside = any(self.pad) or any(
            end > size for end, size in zip(ends, self.input_shape[:2], strict=True)
        )
        copied = self.kind == "convolution" and (self.kernel[0] > 1 or outside)
        return math.prod(self.kernel) * self.input_shape[2] if copied else 0


@dataclass(frozen=True)
class PlainNetwork:
    """An int8 network as a chain of layers.

    Attributes
    ----------
    layers : tuple of Layer
    in_scale, out_scale : float
    in_zero, out_zero : int
        Quantisation of input and output.
    """

    layers: tuple[Layer, ...]
    in_scale: float
    in_zero: int
    out_scale: float
    out_zero: int

    @property
    def input_size(self) -> int:
        """Values of a window."""
        return math.prod(self.layers[0].input_shape)

    @property
    def output_size(self) -> int:
        """Values of an output."""
        return math.prod(self.layers[-1].output_shape)

    @property
    def buffer_size(self) -> int:
        """Largest result between two layers, in bytes; a run needs two buffers of this size."""
        return max((math.prod(layer.output_shape) for layer in self.layers[:-1]), default=1)

    @property
    def patch_size(self) -> int:
        """Most values that are copied for a pixel, in bytes; a run needs two copies."""
        return max(1, *(layer.patch for layer in self.layers))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return sum(layer.macs for layer in self.layers)


def read_layers(content: bytes, name: str) -> PlainNetwork:
    """Read the layers of an int8 TFLite file.

    Parameters
    ----------
    content : bytes
    name : str
        Of the file, for messages.

    Raises
    ------
    ModelError
        If the network is no chain of layers that plain C can run.
    """
    reader = _Reader(content, name)
    graph, names = reader.graph, builtin_names()
    layers: list[Layer] = []
    last = graph.inputs[0]
    for operator in graph.operators:
        code = reader.model.operatorCodes[operator.opcodeIndex]
        kind = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if operator.inputs[0] != last:
            raise ModelError(
                f"{name}: {kind} does not follow the layer before it; plain C runs chains of "
                f"layers, build the network as one"
            )
        last = operator.outputs[0]
        if kind not in _SHAPELESS:
            layers.append(reader.layer(operator, kind))
    first, end = graph.tensors[graph.inputs[0]].quantization, graph.tensors[last].quantization
    return PlainNetwork(
        tuple(layers),
        float(first.scale[0]),
        int(first.zeroPoint[0]),
        float(end.scale[0]),
        int(end.zeroPoint[0]),
    )


class _Reader:
    """Makes layers of the operators of a TFLite file."""

    def __init__(self, content: bytes, name: str) -> None:
        self.model = read_model(content)
        self.graph = self.model.subgraphs[0]
        self._offsets = _buffer_offsets(content)
        self._name = name

    def layer(self, operator: Any, kind: str) -> Layer:
        """Return the layer of an operator, of which `kind` is TensorFlow Lite's name."""
        given, answer = (
            self.graph.tensors[index] for index in (operator.inputs[0], operator.outputs[0])
        )
        options = operator.builtinOptions
        self._check_activation(options, kind)
        if kind == "FULLY_CONNECTED":
            weights = self.graph.tensors[operator.inputs[1]]
            outputs, inputs = (int(size) for size in weights.shape)
            scaling = self._scaling(operator, np.float32)
            return Layer("convolution", (1, 1, inputs), (1, 1, outputs), **scaling)
        if kind == "CONV_2D":
            weights = self.graph.tensors[operator.inputs[1]]
            kernel = (int(weights.shape[1]), int(weights.shape[2]))
            scaling = self._scaling(operator, np.float64)
            return _sliding("convolution", given, answer, kernel, options, scaling)
        if kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
            kernel = (options.filterHeight, options.filterWidth)
            least = {"least": _least(answer, options)}
            return _sliding(kind.removesuffix("_2D").lower(), given, answer, kernel, options, least)
        if kind == "LOGISTIC":
            lookup = _logistic(given.quantization, answer.quantization)
            return Layer("lookup", _shape(given), _shape(answer), lookup=lookup)
        raise ModelError(
            f"{self._name}: holds a {kind}, which plain C cannot run; build the network of "
            f"convolutions, pooling and dense layers"
        )

    def _check_activation(self, options: Any, kind: str) -> None:
        """Refuse an activation whose bounds are not read, such as one with an upper bound."""
        if getattr(options, "fusedActivationFunction", _NONE) not in (_NONE, _RELU):
            raise ModelError(
                f"{self._name}: a {kind} ends in another activation than relu, such as relu6, "
                f"which plain C cannot compute; build the network with relu"
            )

    def _scaling(self, operator: Any, precision: type[np.floating[Any]]) -> dict[str, Any]:
        """Return where weights and bias of a layer are, and how sums become outputs.

        TensorFlow Lite multiplies the two scales of a dense layer in single `precision`, those of a
        convolution in double.
        """
        tensors = self.graph.tensors
        given, weights = tensors[operator.inputs[0]], tensors[operator.inputs[1]]
        answer = tensors[operator.outputs[0]]
        scales = given.quantization.scale[0].astype(precision) * weights.quantization.scale.astype(
            precision
        )
        multiplier, shift = zip(
            *(_fixed_point(float(scale) / float(answer.quantization.scale[0])) for scale in scales),
            strict=True,
        )
        return {
            "in_zero": int(given.quantization.zeroPoint[0]),
            "out_zero": int(answer.quantization.zeroPoint[0]),
            "least": _least(answer, operator.builtinOptions),
            "weights": self._offsets[weights.buffer],
            "bias": self._bias(operator, int(given.quantization.zeroPoint[0])),
            "multiplier": multiplier,
            "shift": shift,
        }

    def _bias(self, operator: Any, in_zero: int) -> tuple[int, ...]:
        """Return the bias of every channel, less the zero point times the sum of its weights."""
        weights = self.graph.tensors[operator.inputs[1]]
        values = self._values(weights, np.int8).reshape(int(weights.shape[0]), -1)
        bias = -in_zero * values.astype(np.int64).sum(axis=1)
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
            bias += self._values(self.graph.tensors[operator.inputs[2]], np.int32)
        return tuple(int(value) for value in bias)

    def _values(self, tensor: Any, dtype: type[np.integer[Any]]) -> npt.NDArray[Any]:
        """Return the constant values of a tensor."""
        return np.asarray(self.model.buffers[tensor.buffer].data, dtype=np.uint8).view(dtype)


def _sliding(
    kind: str,
    given: Any,
    answer: Any,
    kernel: tuple[int, int],
    options: Any,
    rest: dict[str, Any],
) -> Layer:
    """Return a layer whose kernel slides over the tensor `given`."""
    input_shape, output_shape = _shape(given), _shape(answer)
    stride = (options.strideH, options.strideW)
    pad = [
        max((n_out - 1) * step + size - n_in, 0) // 2 if options.padding == _SAME_PADDING else 0
        for n_in, n_out, size, step in zip(
            input_shape[:2], output_shape[:2], kernel, stride, strict=True
        )
    ]
    return Layer(kind, input_shape, output_shape, kernel, stride, (pad[0], pad[1]), **rest)


def _shape(tensor: Any) -> Shape:
    """Return the shape of a tensor; missing dimensions before the last are 1."""
    sizes = [1, 1, *(int(size) for size in tensor.shape[1:])][-3:]
    return sizes[0], sizes[1], sizes[2]


def _least(answer: Any, options: Any) -> int:
    """Return the smallest output: zero after a rectifier."""
    return (
        int(answer.quantization.zeroPoint[0]) if options.fusedActivationFunction == _RELU else -128
    )


def _fixed_point(value: float) -> tuple[int, int]:
    """Return a number as an integer with 31 bits after the point and a power of two.

    TensorFlow Lite does the same.
    """
    fraction, exponent = math.frexp(value)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        return 1 << 30, exponent + 1
    return (0, 0) if exponent < -31 else (multiplier, exponent)


def _logistic(given: Any, answer: Any) -> tuple[int, ...]:
    """Return the output of the logistic function for every input, from two quantisations."""
    inputs = (np.arange(-128, 128) - int(given.zeroPoint[0])) * float(given.scale[0])
    outputs = np.rint(1 / (1 + np.exp(-inputs)) / float(answer.scale[0])) + int(answer.zeroPoint[0])
    return tuple(int(value) for value in np.clip(outputs, -128, 127))


def _buffer_offsets(content: bytes) -> list[int]:
    """Return the offset of the content of every buffer in the file; 0 for an empty one."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    offsets = []
    for index in range(model.BuffersLength()):
        table = model.Buffers(index)._tab
        field = table.Offset(4)
        offsets.append(int(table.Vector(field)) if field else 0)
    return offsets
