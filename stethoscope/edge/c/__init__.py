"""From a bundle to C for microcontrollers.

The folder that :func:`export_c` writes holds everything that a device needs: the int8 model, the
front end in C99 without heap, a streaming detector, golden vectors with a self-test, build files
and examples. The same bundle always gives the same files.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from stethoscope import __version__
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.edit import add_files
from stethoscope.bundle.golden import golden_sound
from stethoscope.classification.model import DYNAMIC_DB, Classifier, cover, prepare
from stethoscope.edge.c import text
from stethoscope.edge.c.layers import Layer, PlainNetwork, read_layers
from stethoscope.edge.c.memory import MemoryReport, report_memory
from stethoscope.edge.classifier import NETWORK, EdgeClassifier
from stethoscope.edge.conversion import DESCRIPTION
from stethoscope.errors import ModelError
from stethoscope.events.decoder import evidence
from stethoscope.events.model import EventDetector, windows_of
from stethoscope.files import atomic_folder, digest, read_json, write_json, write_text
from stethoscope.model.int8 import check_for_microcontroller
from stethoscope.model.network import Int8Network, quantise, softmax
from stethoscope.sound.audio import Samples
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature
from stethoscope.sound.logmel import EPSILON, LogMel
from stethoscope.sound.mfcc import QUIETEST_DB, Mfcc
from stethoscope.sound.planes import Planes

FRAME_TOLERANCE = 1e-5
"""Largest difference that C features may have, as a share of the largest value where that is above
1.
"""

BLOCK_SECONDS = 10.0
"""Sound behind a verdict on anomalies, in seconds."""

_GOLDEN_WINDOWS = 5


@dataclass(frozen=True)
class _Target:
    """What is exported: a model of a bundle, as its templates see it.

    Attributes
    ----------
    kind : {"events", "anomaly", "classes"}
        Ending of the templates of detector and example.
    name : str
    labels : tuple of str
    file : Path
        The int8 TFLite file.
    content : bytes
        What it holds.
    network : PlainNetwork
    feature : Feature
    window, stride : int
        Frames per window, and from window to window.
    mean, deviation : float or np.ndarray [shape=(n_values,)]
        By which frames are normalised.
    constants : list of (str, str, str)
        Further constants of ``model.h``: name, value, comment.
    tables : list of _Table
        Further arrays of ``model.c``.
    golden : list of (str, str, np.ndarray)
        Further golden vectors: type, name, values; the number of answers and of events is told as
        well.
    state : int
        Bytes of ``detector_t`` beside PCM, window, work and frame.
    """

    kind: str
    name: str
    labels: tuple[str, ...]
    file: Path
    content: bytes
    network: PlainNetwork
    feature: Feature
    window: int
    stride: int
    mean: float | Frames
    deviation: float | Frames
    constants: list[tuple[str, str, str]]
    tables: list["_Table"]
    golden: list[tuple[str, str, npt.NDArray[Any]]]
    state: int


def export_c(bundle: Bundle, folder: str | os.PathLike[str], *, role: str = "") -> MemoryReport:
    """Write the model of a bundle as C, and put a copy with its hashes into the bundle.

    Parameters
    ----------
    bundle : Bundle
    folder : path
        Written all or nothing.
    role : {"", "events", "detector", "diagnosis"}
        Of the model; empty takes that of events, or else the detector.

    Returns
    -------
    MemoryReport

    Raises
    ------
    ModelError
        If the bundle has no int8 network, or one that plain C does not run.
    """
    target = _target(bundle, role)
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / "c"
        memory = _write(target, written)
        add_files(bundle.folder, written, "c")
        with atomic_folder(folder) as temporary:
            shutil.copytree(written, temporary, dirs_exist_ok=True)
    return memory


def export_classifier_c(model: Path, folder: str | os.PathLike[str]) -> MemoryReport:
    """Write the classifier of a model folder as C.

    Parameters
    ----------
    model : Path
        With the int8 network that :func:`stethoscope.edge.classifier.make_edge_classifier` made.
    folder : path
        Written all or nothing.

    Raises
    ------
    ModelError
        If there is no int8 network, or one that plain C does not run.
    """
    target = _class_target(model, "sounds")
    with atomic_folder(folder) as temporary:
        return _write(target, temporary)


def _target(bundle: Bundle, role: str) -> _Target:
    if role == "diagnosis":
        if bundle.diagnosis is None:
            raise ModelError(
                f"{bundle.folder}: has no diagnosis, it has {', '.join(bundle.models)}; train on faulty recordings too"
            )
        return _class_target(bundle.folder / "models" / "diagnosis", f"{bundle.name}-diagnosis")
    if role in ("", "events") and "events" in bundle.models:
        return _event_target(bundle)
    if role == "events":
        _ = bundle.events  # says what it was made for
    if (bundle.folder / "models" / "detector" / "edge.json").is_file():
        return _anomaly_target(bundle)
    raise ModelError(
        f"{bundle.folder}: holds no int8 network; a detector autoencoder is converted with recordings of the machine, given by --recordings"
    )


def _class_target(folder: Path, name: str) -> _Target:
    if not (folder / DESCRIPTION).is_file():
        raise ModelError(
            f"{folder}: holds no int8 network; a classifier is converted with recordings of its classes, given by --recordings"
        )
    made, feature = EdgeClassifier.read(folder), Classifier.open(folder).feature
    if not isinstance(feature, Mfcc | LogMel) or (
        isinstance(feature, LogMel) and feature.pad_mode != "constant"
    ):
        raise ModelError(
            f"{folder}: hears {feature.to_json()['kind']}, which C cannot for clips; train with mfcc-cnn or mel-cnn in mono"
        )
    content = (folder / NETWORK).read_bytes()
    network = read_layers(content, NETWORK)
    dynamic, least = (
        (feature.top_db, QUIETEST_DB) if isinstance(feature, Mfcc) else (DYNAMIC_DB, -1e9)
    )
    constants = [
        (
            "CLIP_SAMPLES",
            str((made.window - 1) * feature.hop_length),
            "of a clip that fills the window",
        ),
        ("DYNAMIC_DB", text.single(dynamic), "bands below the clip's loudest by more are raised"),
        ("LEAST_DB", text.single(least), "to this at least"),
    ]
    return _Target(
        kind="classes",
        name=name,
        labels=made.labels,
        file=folder / NETWORK,
        content=content,
        network=network,
        feature=feature,
        window=made.window,
        stride=made.window,
        mean=made.mean,
        deviation=made.deviation,
        constants=constants,
        tables=[
            _Table("SPECTRUM_MEANS", "float", made.mean, "of the training frames, value by value"),
            _Table("SPECTRUM_STDS", "float", made.deviation, ""),
        ],
        golden=[],
        state=4 * (feature.log_mel if isinstance(feature, Mfcc) else feature).n_mels
        + len(made.labels),
    )


def _anomaly_target(bundle: Bundle) -> _Target:
    folder = bundle.folder / "models" / "detector"
    edge = read_json(folder / "edge.json")
    feature, context = bundle.detector.feature, int(edge["context"])
    file = folder / f"{edge['machine'].partition('/')[0]}_int8.tflite"
    content = file.read_bytes()
    windows = max(1, round(BLOCK_SECONDS * feature.sample_rate / feature.hop_length / context))
    return _Target(
        kind="anomaly",
        name=bundle.name,
        labels=(),
        file=file,
        content=content,
        network=read_layers(content, file.name),
        feature=feature,
        window=context,
        stride=context,
        mean=0.0,
        deviation=1.0,
        constants=[
            *_scalars(0.0, 1.0),
            ("BLOCK_WINDOWS", str(windows), f"windows of a verdict, about {BLOCK_SECONDS:g} s"),
            (
                "THRESHOLD",
                text.single(edge["threshold"]),
                f"of a block's score, for {edge['machine']}, moved to this int8 model",
            ),
        ],
        tables=[],
        golden=[],
        state=3 * 8 + 2 * context * feature.size + 5 * 4 + 4,
    )


def _event_target(bundle: Bundle) -> _Target:
    folder = bundle.folder / "models" / "events"
    detector = EventDetector.open(folder, "int8")
    file = folder / "events_int8.tflite"
    content = file.read_bytes()
    decoder, network = detector.decoder, read_layers(content, file.name)
    lengths = len(decoder.density)
    constants = [
        *_scalars(detector.mean, detector.deviation),
        (
            "THRESHOLD",
            text.single(detector.threshold),
            "score that speaks neither for nor against an event, calibrated on this int8 model",
        ),
        ("HOLD_OFF", f"{decoder.hold_off}u", "windows after the end of an event until it is told"),
        ("EVENT_COST", text.single(decoder.cost), "evidence that an event must bring"),
        ("EVENT_LENGTHS", str(lengths), "lengths that are told apart, in windows"),
    ]
    answers = np.arange(-128, 128).astype(np.float32)
    scores = (answers - np.float32(network.out_zero)) * np.float32(network.out_scale)
    tables = [
        _Table(
            "EVIDENCE",
            "float",
            evidence(scores, detector.threshold),
            "of every answer from -128, over THRESHOLD",
        ),
        _Table(
            "LENGTH_DENSITY",
            "float",
            decoder.density,
            "logarithm of the probability of every length from 1 window",
        ),
        _Table("LENGTH_SURVIVAL", "float", decoder.survival, "of that length or more"),
    ]
    return _Target(
        kind="events",
        name=bundle.name,
        labels=tuple(detector.labels),
        file=file,
        content=content,
        network=network,
        feature=detector.feature,
        window=detector.window,
        stride=detector.stride,
        mean=detector.mean,
        deviation=detector.deviation,
        constants=constants,
        tables=tables,
        golden=_golden_events(detector, network),
        state=3 * 8 + (2 * 4 + 4 * 4) * lengths + 4 * 4 + 6 * 4,
    )


def _write(target: _Target, folder: Path) -> MemoryReport:
    sources = resources.files(__package__).joinpath("sources")
    feature_kind = target.feature.to_json()["kind"]
    chosen = {f"frontend_{feature_kind}.c": "frontend.c"}
    stream = "classes" if target.kind == "classes" else "stream"
    chosen[f"selftest_{stream}.c"] = "selftest.c"
    for name in (
        f"detector_{target.kind}.c",
        f"detector_{target.kind}.h",
        f"example/listen_{target.kind}.c",
        f"example/esp32/main/main_{target.kind}.c",
    ):
        chosen[name] = name.replace(f"_{target.kind}", "")
    for name, source in _walk(sources):
        common = not any(
            name.startswith(prefix)
            for prefix in (
                "frontend_",
                "detector_",
                "selftest_",
                "example/listen_",
                "example/esp32/main/main_",
            )
        )
        if common or name in chosen:
            write_text(folder / chosen.get(name, name), source.read_text(encoding="utf-8"))
    operators = check_for_microcontroller(target.content, "the int8 model")
    tables = _tables(target.feature) + target.tables
    memory = _memory(target, tables)
    write_text(folder / "model.h", _model_header(target, operators, tables, memory))
    write_text(folder / "model.c", _model_source(target, tables))
    _write_golden(target, folder)
    write_text(folder / "MEMORY.md", memory.to_markdown())
    write_json(folder / "memory.json", memory.to_json())
    write_text(folder / "README.md", _readme(target, operators, memory))
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    write_text(
        folder / "SHA256SUMS", "".join(f"{digest(folder / name)}  {name}\n" for name in names)
    )
    return memory


def _walk(folder: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = prefix + entry.name
        found += _walk(entry, f"{name}/") if entry.is_dir() else [(name, entry)]
    return found


@dataclass(frozen=True)
class _Table:
    """A constant array of the front end."""

    name: str
    type: str
    values: Any
    comment: str

    @property
    def bytes(self) -> int:
        return len(self.values) * _SIZES[self.type]

    def body(self) -> str:
        """Return what stands between the braces."""
        if self.type == "double":
            return text.doubles(self.values)
        return text.floats(self.values) if self.type == "float" else text.integers(self.values)


_SIZES = {"double": 8, "float": 4, "uint16_t": 2}


def _real(feature: Feature) -> str:
    """Return the type in which the front end computes.

    A quiet bin of the band spectrum beside a loud one would drown in what single precision rounds
    away, and the logarithm shows it. A mel band sums many bins, and what trains on it was computed
    in single precision as well.
    """
    return "double" if isinstance(feature, BandSpectrum) else "float"


def _tables(feature: Feature) -> list[_Table]:
    n = feature.n_fft
    if isinstance(feature, Planes):
        raise ModelError(
            "the network hears several channels or clips of one length, C one as it is; set class_channels=1, class_seconds=0"
        )
    if n & (n - 1) or n < 16:
        raise ModelError(
            f"frames of {n} samples cannot be transformed on a microcontroller; use a power of two, such as 1024"
        )
    angles = 2 * np.pi * np.arange(n // 2) / n
    twiddles = np.stack([np.cos(angles), -np.sin(angles)], axis=1).reshape(-1)
    bands = isinstance(feature, BandSpectrum)
    window = (
        feature.window
        if isinstance(feature, BandSpectrum)
        else 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    )
    tables = [
        _Table("FRAME_WINDOW", _real(feature), window, "Hamming" if bands else "Hann, periodic"),
        _Table("TWIDDLES", _real(feature), twiddles, "cos and -sin of 2 pi k / FRAME_SIZE"),
    ]
    if not isinstance(feature, BandSpectrum):
        filters = (feature.log_mel if isinstance(feature, Mfcc) else feature).filters
        first = [int(np.flatnonzero(row)[0]) if row.any() else 0 for row in filters]
        count = [
            int(np.flatnonzero(row)[-1]) - low + 1 if row.any() else 0
            for row, low in zip(filters, first, strict=True)
        ]
        weights = np.concatenate(
            [row[low : low + size] for row, low, size in zip(filters, first, count, strict=True)]
        )
        tables += [
            _Table("MEL_FIRST", "uint16_t", first, "first bin of every band"),
            _Table("MEL_COUNT", "uint16_t", count, "bins of every band"),
            _Table("MEL_WEIGHTS", "float", weights, "of the bins, band after band"),
        ]
    if isinstance(feature, Mfcc):
        tables.append(
            _Table(
                "COSINES",
                "float",
                feature.transform.reshape(-1),
                "of the cosine transform, band after band",
            )
        )
    return tables


def _memory(target: _Target, tables: list[_Table]) -> MemoryReport:
    feature = target.feature
    frames = feature.sample_rate / feature.hop_length
    half = feature.n_fft // 2
    # Four multiplications per butterfly, four per bin to tell the spectra apart, two for its
    # energy, one for the window.
    per_frame = (
        2 * half * (half.bit_length() - 1)
        + 6 * half
        + feature.n_fft
        + sum(len(t.values) for t in tables if t.name in ("MEL_WEIGHTS", "COSINES"))
    )
    per_value = 4 if target.kind == "anomaly" else 1
    # A clip is gone through twice: for its loudest band, and for its values.
    passes, clip = (
        (2, 2 * (target.window - 1) * feature.hop_length) if target.kind == "classes" else (1, 0)
    )
    return report_memory(
        target.content,
        target.network,
        tables=sum(table.bytes for table in tables),
        detector=(2 + _SIZES[_real(feature)]) * feature.n_fft
        + (0 if target.kind == "anomaly" else 4 * feature.size)
        + per_value * target.window * feature.size
        + target.state,
        runs=frames / target.stride,
        frame_macs=passes * frames * per_frame,
        clip=clip,
    )


def _scalars(mean: float, deviation: float) -> list[tuple[str, str, str]]:
    return [
        ("SPECTRUM_MEAN", text.single(mean), "of the training frames"),
        ("SPECTRUM_STD", text.single(deviation), ""),
    ]


def _mel_constants(feature: Feature) -> list[tuple[str, str, str]]:
    if isinstance(feature, BandSpectrum | Planes):
        return []
    mel = feature.log_mel if isinstance(feature, Mfcc) else feature
    return [
        ("MEL_BANDS", str(mel.n_mels), ""),
        ("MEL_POWER", text.single(mel.power), "1 magnitude, 2 energy"),
        ("MEL_EPSILON", text.single(EPSILON), ""),
    ]


def _model_header(
    target: _Target, operators: tuple[str, ...], tables: list[_Table], memory: MemoryReport
) -> str:
    feature, network = target.feature, target.network
    constants = [
        ("SAMPLE_RATE", str(feature.sample_rate), "in Hz"),
        ("FRAME_SIZE", str(feature.n_fft), "samples"),
        ("FRAME_STRIDE", str(feature.hop_length), "samples"),
        ("WINDOW_SIZE", str(target.window), "frames"),
        ("WINDOW_STRIDE", str(target.stride), "frames"),
        ("SPECTRUM_SIZE", str(feature.size), "values per frame"),
        ("INPUT_SIZE", str(network.input_size), "values of a window"),
        (
            "INPUT_SCALE",
            text.single(network.in_scale),
            "value = (int8 - INPUT_ZERO_POINT) * INPUT_SCALE",
        ),
        ("INPUT_ZERO_POINT", f"({network.in_zero})", ""),
        ("OUTPUT_SIZE", str(network.output_size), ""),
        ("OUTPUT_SCALE", text.single(network.out_scale), ""),
        ("OUTPUT_ZERO_POINT", f"({network.out_zero})", ""),
        *target.constants,
        *_mel_constants(feature),
        ("TENSOR_ARENA_SIZE", str(-(-memory.arena // 16) * 16), "bytes, for TensorFlow Lite Micro"),
        ("NETWORK_BUFFER", str(network.buffer_size), "bytes, two of them, for network.c"),
        ("LAYER_COUNT", str(len(network.layers)), "of network.c"),
    ]
    defined = "".join(
        f"#define {name} {value}{f' /* {comment} */' if comment else ''}\n"
        for name, value, comment in constants
    )
    arrays = "".join(
        f"extern const {table.type} {table.name}[{len(table.values)}]; /* {table.comment} */\n"
        for table in tables
    )
    adds = " ".join(f"(resolver).Add{_OPERATORS[name]}();" for name in operators)
    return f"""/* {target.name}: constants of model and front end. Written by stethoscope {__version__}; do not edit. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{defined}
#define MODEL_NAME {_quoted(target.name)}
#define MODEL_LABELS {_quoted(", ".join(target.labels))}
#define MODEL_OPERATORS {_quoted(", ".join(operators))}
#define MODEL_OPERATOR_COUNT {len(operators)}
#define MODEL_ADD_OPERATORS(resolver) {adds}

typedef {_real(feature)} real_t; /* in which the front end computes */

extern const unsigned char model_data[{len(target.content)}]; /* the TFLite file, aligned */
extern const uint32_t model_size;

{arrays}
typedef enum {{ LAYER_CONVOLUTION, LAYER_MAX_POOL, LAYER_AVERAGE_POOL, LAYER_LOOKUP }} layer_kind_t;

typedef struct {{
    layer_kind_t kind;
    int in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
    int in_zero, out_zero, least;
    uint32_t weights, bias; /* where they stand in model_data; no bias: 0 */
    int scales;             /* 1, or one per output channel */
    const int32_t *multiplier;
    const int8_t *shift;
    const int8_t *lookup; /* output for every input from -128 */
}} layer_t;

extern const layer_t LAYERS[LAYER_COUNT];
{"extern const char *const CLASS_LABELS[OUTPUT_SIZE];" if target.kind == "classes" else ""}
#ifdef __cplusplus
}}
#endif
#endif
"""


_OPERATORS = {
    "CONV_2D": "Conv2D",
    "FULLY_CONNECTED": "FullyConnected",
    "LOGISTIC": "Logistic",
    "MAX_POOL_2D": "MaxPool2D",
    "AVERAGE_POOL_2D": "AveragePool2D",
    "RESHAPE": "Reshape",
    "EXPAND_DIMS": "ExpandDims",
    "SQUEEZE": "Squeeze",
}
"""What TensorFlow Lite Micro's resolver calls the operators that plain C runs as well."""


def _model_source(target: _Target, tables: list[_Table]) -> str:
    parts = [
        '#include "model.h"\n',
        "#if defined(__GNUC__)\n#define ALIGNED __attribute__((aligned(16)))\n#else\n#define ALIGNED\n#endif\n",
        f"const unsigned char model_data[{len(target.content)}] ALIGNED = {{\n{text.octets(target.content)}}};\n",
        f"const uint32_t model_size = {len(target.content)}u;\n",
    ]
    parts += [
        f"const {table.type} {table.name}[{len(table.values)}] = {{\n{table.body()}}};\n"
        for table in tables
    ]
    rows = []
    for index, layer in enumerate(target.network.layers):
        for kind, name, values in (
            ("int32_t", "multiplier", layer.multiplier),
            ("int8_t", "shift", layer.shift),
            ("int8_t", "lookup", layer.lookup),
        ):
            if values:
                parts.append(
                    f"static const {kind} {name}_{index}[{len(values)}] = {{\n{text.integers(values)}}};\n"
                )
        rows.append(_layer_row(index, layer))
    if target.kind == "classes":
        parts.append(
            f"const char *const CLASS_LABELS[OUTPUT_SIZE] = {{{', '.join(map(_quoted, target.labels))}}};\n"
        )
    parts.append(f"const layer_t LAYERS[LAYER_COUNT] = {{\n{''.join(rows)}}};\n")
    return "\n".join(parts)


def _layer_row(index: int, layer: Layer) -> str:
    numbers = (
        *layer.given,
        *layer.answer,
        *layer.kernel,
        *layer.stride,
        *layer.pad,
        layer.in_zero,
        layer.out_zero,
        layer.least,
    )
    arrays = (
        f"{name}_{index}" if getattr(layer, name) else "0"
        for name in ("multiplier", "shift", "lookup")
    )
    fields = ", ".join(
        [
            *map(str, numbers),
            f"{layer.weights}u",
            f"{layer.bias}u",
            str(len(layer.multiplier)),
            *arrays,
        ]
    )
    return f"    {{LAYER_{layer.kind.upper()}, {fields}}},\n"


def _write_golden(target: _Target, folder: Path) -> None:
    """Write a sound that belongs to nobody, the features, answers and scores that it must give."""
    pcm, frames, windows = (
        _golden_clip(target) if target.kind == "classes" else _golden_stream(target)
    )
    inputs = quantise(windows, target.network.in_scale, target.network.in_zero).reshape(
        len(windows), -1
    )
    answers = Int8Network(target.file).steps(inputs).reshape(len(inputs), -1)
    values = (answers.astype(np.float32) - np.float32(target.network.out_zero)) * np.float32(
        target.network.out_scale
    )
    if target.kind == "events":
        # A feature on the border between two int8 steps may fall to either side, which moves a
        # score by a few steps.
        scores, score_tolerance = values[:, 0], 8 * target.network.out_scale
    elif target.kind == "classes":
        scores, score_tolerance = softmax(values).mean(axis=0), 0.05
    else:
        scores = np.mean((values - windows.reshape(values.shape)) ** 2, axis=1)
        score_tolerance = 0.01 * float(scores.max())
    sizes = {
        "SAMPLES": len(pcm),
        "FRAMES": len(frames),
        "INPUTS": len(inputs),
        "SCORES": len(scores),
    }
    sizes |= {f"{name.removeprefix('GOLDEN_')}S": len(values) for _, name, values in target.golden}
    arrays = [
        ("int16_t", "GOLDEN_PCM", text.integers(pcm), pcm.size),
        ("float", "GOLDEN_FRAME", text.floats(frames), frames.size),
        ("int8_t", "GOLDEN_INPUT", text.integers(inputs.reshape(-1)), inputs.size),
        ("int8_t", "GOLDEN_OUTPUT", text.integers(answers.reshape(-1)), answers.size),
        ("float", "GOLDEN_SCORE", text.floats(scores), scores.size),
        *(
            (kind, name, text.integers(values.reshape(-1)), values.size)
            for kind, name, values in target.golden
        ),
    ]
    tolerance = FRAME_TOLERANCE * max(1.0, float(np.abs(frames).max()))
    header = ["/* What selftest.c must find. Written by stethoscope; do not edit. */\n"]
    header += ['#ifndef GOLDEN_H\n#define GOLDEN_H\n\n#include "model.h"\n\n']
    header += [f"#define GOLDEN_{name} {size}\n" for name, size in sizes.items()]
    header += [
        f"#define GOLDEN_CRC 0x{crc32(target.content):08x}u /* CRC-32 of model_data */\n",
        f"#define GOLDEN_STEPS {1 + len(target.network.layers) // 3} /* TensorFlow Lite Micro may round otherwise in every layer */\n",
        f"#define FRAME_TOLERANCE {text.single(tolerance)}\n",
        f"#define SCORE_TOLERANCE {text.single(score_tolerance)}\n\n",
    ]
    header += [f"extern const {kind} {name}[{size}];\n" for kind, name, _, size in arrays] + [
        "\n#endif\n"
    ]
    write_text(folder / "golden.h", "".join(header))
    write_text(
        folder / "golden.c",
        '#include "golden.h"\n'
        + "".join(f"\nconst {k} {n}[{s}] = {{\n{body}}};\n" for k, n, body, s in arrays),
    )


def _golden_pcm(feature: Feature, n_samples: int) -> npt.NDArray[np.int16]:
    return np.rint(
        golden_sound(feature.sample_rate, n_samples / feature.sample_rate)[:n_samples] * 32767
    ).astype(np.int16)


def _golden_stream(target: _Target) -> tuple[npt.NDArray[np.int16], Frames, Frames]:
    """Return sound for a few windows, its frames, and the windows as the network takes them."""
    feature = target.feature
    n_frames = target.window + (_GOLDEN_WINDOWS - 1) * target.stride
    pcm = _golden_pcm(feature, (n_frames - 1) * feature.hop_length + feature.n_fft)
    frames = stream_frames(feature, pcm.astype(np.float32) / np.float32(32768))
    normal: Frames = ((frames - np.float32(target.mean)) / np.float32(target.deviation)).astype(
        np.float32
    )
    return pcm, frames, windows_of(normal, target.window, target.stride)


def _golden_clip(target: _Target) -> tuple[npt.NDArray[np.int16], Frames, Frames]:
    """Return a clip of about a second, which is shorter than most windows and so tells how it is
    extended, its frames and windows.
    """
    feature = target.feature
    pcm = _golden_pcm(feature, round(0.9 * feature.sample_rate))
    frames = prepare(feature.extract(pcm.astype(np.float32) / np.float32(32768)), feature)
    return (
        pcm,
        frames,
        ((cover(frames, target.window) - target.mean) / target.deviation).astype(np.float32),
    )


def _golden_events(
    detector: EventDetector, network: PlainNetwork
) -> list[tuple[str, str, npt.NDArray[Any]]]:
    """Return answers that nobody heard, of events short and long, near and far, clear and doubtful,
    and the events that they must give.
    """
    rng = np.random.default_rng(0)
    levels = np.concatenate(
        [
            np.full(max(1, round(length * detector.decoder.length)), level)
            for gap, share in zip(rng.uniform(0.05, 4, 16), rng.lognormal(0, 0.8, 16), strict=True)
            for length, level in ((gap, -110), (share, 110))
        ]
    )
    answers = np.clip(np.rint(levels + 60 * rng.standard_normal(len(levels))), -128, 127).astype(
        np.int8
    )
    scores = (answers.astype(np.float32) - np.float32(network.out_zero)) * np.float32(
        network.out_scale
    )
    rate = detector.feature.sample_rate
    events = [
        (round(event.start * rate), round(event.end * rate)) for event in detector.events(scores)
    ]
    # C has no array without elements; where a detector is this hard to convince there is nothing to
    # compare.
    return (
        []
        if not events
        else [("int8_t", "GOLDEN_ANSWER", answers), ("uint32_t", "GOLDEN_EVENT", np.array(events))]
    )


def stream_frames(feature: Feature, samples: Samples) -> Frames:
    """Compute the frames that a stream gives: whole ones from the first sample on, without padding."""
    if isinstance(feature, BandSpectrum):
        return feature.extract(samples)
    # Frames are centred there: those that reach over the beginning are dropped, and a lead brings
    # the first whole one to the first sample.
    half = feature.n_fft // 2
    leading = -(-half // feature.hop_length)
    lead = np.zeros(leading * feature.hop_length - half, dtype=np.float32)
    count = 1 + (len(samples) - feature.n_fft) // feature.hop_length
    return feature.extract(np.concatenate([lead, samples]))[leading : leading + count]


def _readme(target: _Target, operators: tuple[str, ...], memory: MemoryReport) -> str:
    return f"""# {target.name} for microcontrollers

Written by stethoscope {__version__}. The files are the same whenever the same model is exported; `SHA256SUMS` lists their hashes.

| file | content |
|---|---|
| `model.h`, `model.c` | constants, the int8 TFLite model, tables of the front end, layers |
| `frontend.h`, `frontend.c`, `fft.c` | the front end, C99, no heap |
| `network.c` | the network in plain C; nothing else is needed |
| `network_tflm.cc` | the same by TensorFlow Lite Micro; link one of the two |
| `detector.h`, `detector.c` | what a program calls; the header explains it |
| `golden.h`, `golden.c`, `selftest.c` | what a build must compute, and the program that checks it |
| `example/` | a program for WAV files, an ESP-IDF project |
| `MEMORY.md`, `memory.json` | what the model needs, and which boards have it |

Check a build before trusting it:

```
cmake -B build && cmake --build build && build/selftest
```

Use it:

```c
{_USE[target.kind]}```

16-bit samples at {target.feature.sample_rate} Hz.

Operators of TensorFlow Lite Micro: {", ".join(operators)}. Smallest tensor arena: {memory.arena:,} bytes.
"""


_USE = {
    "events": """#include "detector.h"

static detector_t detector;
detector_init(&detector, NULL, on_event, NULL);
detector_feed(&detector, pcm, count); /* blocks of any length; on_event is called when an event is over */
detector_finish(&detector);
""",
    "anomaly": """#include "detector.h"

static detector_t detector;
detector_init(&detector, NULL, on_verdict, NULL);
detector_feed(&detector, pcm, count); /* blocks of any length; on_verdict is called for every block of windows */
""",
    "classes": """#include "detector.h"

static detector_t detector;
float probabilities[OUTPUT_SIZE];
detector_init(&detector);
detector_classify(&detector, pcm, count, probabilities); /* a whole clip; names stand in CLASS_LABELS */
""",
}


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
