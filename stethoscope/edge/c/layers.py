"""The layers of an int8 TFLite file, as plain C can run them."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from stethoscope.errors import ModelError
from stethoscope.model.int8 import builtin_names, read_model

_SHAPELESS = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE")
_RELU = 1


@dataclass(frozen=True)
class Layer:
    """A layer of the network.

    Attributes
    ----------
    kind : {"convolution", "max_pool", "average_pool", "lookup"}
        A dense layer is a convolution over one pixel.
    given, answer, kernel : tuple of int
        Shape of input and output, (height, width, channels), and height and width of the kernel.
    stride, pad : tuple of int
        Vertical and horizontal.
    in_zero, out_zero, least : int
        Zero points, and the smallest output.
    weights, bias : int
        Where they stand in the file, in bytes; 0 for none.
    multiplier, shift : tuple of int
        By which sums become outputs, one or one per channel.
    lookup : tuple of int
        Output for every input from -128.
    """

    kind: str
    given: tuple[int, int, int]
    answer: tuple[int, int, int]
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    in_zero: int = 0
    out_zero: int = 0
    least: int = -128
    weights: int = 0
    bias: int = 0
    multiplier: tuple[int, ...] = ()
    shift: tuple[int, ...] = ()
    lookup: tuple[int, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return (
            math.prod(self.answer) * math.prod(self.kernel) * self.given[2]
            if self.kind == "convolution"
            else 0
        )


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
        return math.prod(self.layers[0].given)

    @property
    def output_size(self) -> int:
        """Values of an answer."""
        return math.prod(self.layers[-1].answer)

    @property
    def buffer_size(self) -> int:
        """Largest result between two layers, in bytes; two such buffers are all the memory a run
        takes.
        """
        return max((math.prod(layer.answer) for layer in self.layers[:-1]), default=1)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return sum(layer.macs for layer in self.layers)


def read_layers(content: bytes, name: str) -> PlainNetwork:
    """Read the layers of an int8 TFLite file.

    Raises
    ------
    ModelError
        If the network is no chain of layers that plain C can run.
    """
    model = read_model(content)
    graph = model.subgraphs[0]
    places = _buffer_places(content)
    names = builtin_names()
    layers: list[Layer] = []
    last = graph.inputs[0]
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if operator.inputs[0] != last:
            raise ModelError(
                f"{name}: {kind} does not follow the layer before it; plain C runs chains of layers, build the network as one"
            )
        last = operator.outputs[0]
        given, answer = graph.tensors[operator.inputs[0]], graph.tensors[last]
        if kind in _SHAPELESS:
            continue
        if kind in ("CONV_2D", "FULLY_CONNECTED"):
            layers.append(_convolution(graph, operator, kind, places))
        elif kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
            options = operator.builtinOptions
            kernel, stride = (
                (options.filterHeight, options.filterWidth),
                (options.strideH, options.strideW),
            )
            layers.append(
                _sliding(
                    kind.removesuffix("_2D").lower(),
                    _shape(given),
                    _shape(answer),
                    kernel,
                    stride,
                    options.padding,
                    least=_least(answer, options),
                )
            )
        elif kind == "LOGISTIC":
            layers.append(
                Layer(
                    "lookup",
                    _shape(given),
                    _shape(answer),
                    lookup=_logistic(given.quantization, answer.quantization),
                )
            )
        else:
            raise ModelError(
                f"{name}: holds a {kind}, which plain C here does not run; build the network of convolutions, pooling and dense layers"
            )
    first, end = graph.tensors[graph.inputs[0]].quantization, graph.tensors[last].quantization
    return PlainNetwork(
        tuple(layers),
        float(first.scale[0]),
        int(first.zeroPoint[0]),
        float(end.scale[0]),
        int(end.zeroPoint[0]),
    )


def _convolution(graph: Any, operator: Any, kind: str, places: list[int]) -> Layer:
    given, weights, answer = (
        graph.tensors[index]
        for index in (operator.inputs[0], operator.inputs[1], operator.outputs[0])
    )
    bias = (
        graph.tensors[operator.inputs[2]]
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0
        else None
    )
    options = operator.builtinOptions
    # TensorFlow Lite multiplies the two scales of a dense layer in single precision, those of a
    # convolution in double.
    precision = np.float32 if kind == "FULLY_CONNECTED" else np.float64
    scales = given.quantization.scale[0].astype(precision) * weights.quantization.scale.astype(
        precision
    )
    multiplier, shift = zip(
        *(_fixed_point(float(scale) / float(answer.quantization.scale[0])) for scale in scales),
        strict=True,
    )
    rest: dict[str, Any] = {
        "in_zero": int(given.quantization.zeroPoint[0]),
        "out_zero": int(answer.quantization.zeroPoint[0]),
        "least": _least(answer, options),
        "weights": places[weights.buffer],
        "bias": places[bias.buffer] if bias is not None else 0,
        "multiplier": multiplier,
        "shift": shift,
    }
    if kind == "FULLY_CONNECTED":
        outputs, inputs = (int(size) for size in weights.shape)
        return Layer("convolution", (1, 1, inputs), (1, 1, outputs), **rest)
    kernel, stride = (
        (int(weights.shape[1]), int(weights.shape[2])),
        (options.strideH, options.strideW),
    )
    return _sliding(
        "convolution", _shape(given), _shape(answer), kernel, stride, options.padding, **rest
    )


def _sliding(
    kind: str,
    given: tuple[int, int, int],
    answer: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: int,
    **rest: Any,
) -> Layer:
    same = padding == 0
    pad = [
        max((a - 1) * s + k - g, 0) // 2 if same else 0
        for g, a, k, s in zip(given[:2], answer[:2], kernel, stride, strict=True)
    ]
    return Layer(kind, given, answer, kernel, stride, (pad[0], pad[1]), **rest)


def _shape(tensor: Any) -> tuple[int, int, int]:
    """Return height, width and channels; a tensor of fewer dimensions is one high, and one wide."""
    sizes = [1, 1, *(int(size) for size in tensor.shape[1:])][-3:]
    return sizes[0], sizes[1], sizes[2]


def _least(answer: Any, options: Any) -> int:
    return (
        int(answer.quantization.zeroPoint[0]) if options.fusedActivationFunction == _RELU else -128
    )


def _fixed_point(value: float) -> tuple[int, int]:
    """Return a number as an integer of 31 bits after the point and a power of two, as TensorFlow
    Lite does.
    """
    fraction, exponent = math.frexp(value)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        return 1 << 30, exponent + 1
    return (0, 0) if exponent < -31 else (multiplier, exponent)


def _logistic(given: Any, answer: Any) -> tuple[int, ...]:
    inputs = (np.arange(-128, 128) - int(given.zeroPoint[0])) * float(given.scale[0])
    outputs = np.rint(1 / (1 + np.exp(-inputs)) / float(answer.scale[0])) + int(answer.zeroPoint[0])
    return tuple(int(value) for value in np.clip(outputs, -128, 127))


def _buffer_places(content: bytes) -> list[int]:
    """Return where the content of every buffer stands in the file; 0 for an empty one."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    places = []
    for index in range(model.BuffersLength()):
        table = model.Buffers(index)._tab
        field = table.Offset(4)
        places.append(int(table.Vector(field)) if field else 0)
    return places
