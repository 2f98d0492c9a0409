"""``model.h`` and ``model.c``: constants, tables and layers of a model."""

import numpy as np

from stethoscope import __version__
from stethoscope.edge.c import frontend
from stethoscope.edge.c.layers import Layer, PlainNetwork
from stethoscope.edge.c.memory import MemoryReport
from stethoscope.edge.c.target import Target
from stethoscope.edge.c.text import (
    Array,
    Constant,
    declarations,
    definitions,
    octets,
    quoted,
    single,
)

_RESOLVER = {
    "CONV_2D": "Conv2D",
    "FULLY_CONNECTED": "FullyConnected",
    "LOGISTIC": "Logistic",
    "MAX_POOL_2D": "MaxPool2D",
    "AVERAGE_POOL_2D": "AveragePool2D",
    "RESHAPE": "Reshape",
    "EXPAND_DIMS": "ExpandDims",
    "SQUEEZE": "Squeeze",
}
"""Names of the operators in TensorFlow Lite Micro's resolver, of those that plain C runs too."""

_LAYER_ARRAYS = {"bias": np.int32, "multiplier": np.int32, "shift": np.int8, "lookup": np.int8}


def model_constants(target: Target) -> list[Constant]:
    """Return the constants of model and front end."""
    feature, layers = target.feature, target.file.layers
    return [
        Constant("SAMPLE_RATE", str(feature.sample_rate), "in Hz"),
        Constant("FRAME_SIZE", str(feature.n_fft), "samples"),
        Constant("FRAME_STRIDE", str(feature.hop_length), "samples"),
        Constant("WINDOW_SIZE", str(target.window), "frames"),
        Constant("WINDOW_STRIDE", str(target.stride), "frames"),
        Constant("SPECTRUM_SIZE", str(feature.size), "values per frame"),
        Constant("INPUT_SIZE", str(layers.input_size), "values of a window"),
        Constant(
            "INPUT_SCALE",
            single(layers.in_scale),
            "value = (int8 - INPUT_ZERO_POINT) * INPUT_SCALE",
        ),
        Constant("INPUT_ZERO_POINT", f"({layers.in_zero})"),
        Constant("OUTPUT_SIZE", str(layers.output_size)),
        Constant("OUTPUT_SCALE", single(layers.out_scale)),
        Constant("OUTPUT_ZERO_POINT", f"({layers.out_zero})"),
        *target.constants,
        *frontend.constants(feature),
        Constant("NETWORK_BUFFER", str(layers.buffer_size), "bytes, two of them, for network.c"),
        Constant("NETWORK_PATCH", str(layers.patch_size), "bytes, two of them too"),
        Constant("LAYER_COUNT", str(len(layers.layers)), "of network.c"),
    ]


def model_header(
    target: Target,
    constants: list[Constant],
    tables: list[Array],
    operators: tuple[str, ...],
    memory: MemoryReport,
) -> dict[str, str]:
    """Return the values for the template of ``model.h``."""
    sizes = [
        Constant(
            "TENSOR_ARENA_SIZE",
            str(-(-memory.arena // 16) * 16),
            "bytes, for TensorFlow Lite Micro",
        ),
        Constant("DETECTOR_BYTES", str(memory.detector_ram), "of detector_t, with 64-bit pointers"),
    ]
    labels = "extern const char *const CLASS_LABELS[OUTPUT_SIZE];"
    return {
        "name": target.name,
        "version": __version__,
        "constants": definitions([*constants, *sizes]),
        "quoted_name": quoted(target.name),
        "task": quoted(target.task),
        "labels": quoted(", ".join(target.labels)),
        "operators": quoted(", ".join(operators)),
        "operator_count": str(len(operators)),
        "add_operators": " ".join(f"(resolver).Add{_RESOLVER[name]}();" for name in operators),
        "model_size": str(len(target.file.content)),
        "arrays": declarations(tables),
        "class_labels": labels if target.labels else "",
    }


def model_source(target: Target, tables: list[Array]) -> dict[str, str]:
    """Return the values for the template of ``model.c``."""
    labels = ", ".join(map(quoted, target.labels))
    defined = f"const char *const CLASS_LABELS[OUTPUT_SIZE] = {{{labels}}};\n"
    layers = target.file.layers
    return {
        "model_size": str(len(target.file.content)),
        "model_data": octets(target.file.content),
        "arrays": definitions(tables) + _layer_arrays(layers),
        "class_labels": defined if target.labels else "",
        "layers": "".join(_layer_row(*item) for item in enumerate(layers.layers)),
    }


def _layer_arrays(network: PlainNetwork) -> str:
    """Return the definitions of the arrays that the layers point to."""
    return "\n".join(
        Array(f"{name}_{index}", np.array(getattr(layer, name), dtype=dtype)).definition("static")
        for index, layer in enumerate(network.layers)
        for name, dtype in _LAYER_ARRAYS.items()
        if getattr(layer, name)
    )


def _layer_row(index: int, layer: Layer) -> str:
    """Return the initialiser of a ``layer_t``."""
    numbers = (
        *layer.input_shape,
        *layer.output_shape,
        *layer.kernel,
        *layer.stride,
        *layer.pad,
        layer.in_zero,
        layer.out_zero,
        layer.least,
    )
    pointers = (f"{name}_{index}" if getattr(layer, name) else "0" for name in _LAYER_ARRAYS)
    fields = [
        f"LAYER_{layer.kind.upper()}",
        *map(str, numbers),
        f"{layer.weights}u",
        str(len(layer.multiplier)),
        *pointers,
    ]
    return f"    {{{', '.join(fields)}}},\n"
