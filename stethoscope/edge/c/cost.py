"""Instructions that exported C takes, from the operations that it does.

The instructions per operation were counted by QEMU in the compiled C (`benchmarks/edge_costs.py`).
The operations of a model follow from its sizes. Both together agree with a count of the whole
program within 15 % for every kind of model; a test compares them.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stethoscope.edge.c.layers import Layer, PlainNetwork

Operations = Mapping[str, float]
"""How often each operation is done, by its name in `COSTS`."""

FPU, NO_DSP, NO_FPU = "Cortex-M4F", "Cortex-M4F without DSP", "Cortex-M0+"
"""Cores whose instructions were counted: one with a floating-point unit and DSP instructions, the
same without the second, and one without both.
"""

ESP32 = "ESP32, estimated"
"""A core whose instructions were not counted."""

LANES = 4
"""Sums, or bands, that the C computes at once."""

_NEAR = 13
"""Rhythms that a line counts for."""

_FPU = {
    "angle": 426,
    "byte that is moved": 0.547,
    "candidate for an event": 153,
    "comparison of a sort": 17.2,
    "error of an output": 9.06,
    "level of a segment": 8.12,
    "level that is folded": 17.6,
    "level that is rounded": 52.8,
    "line near a rhythm": 15.3,
    "line of a band": 42.1,
    "mel band": 124,
    "output of a layer": 61.6,
    "pooled output": 33.9,
    "power of a bin": 255,
    "product of a cosine transform": 11.2,
    "product of a spectrum over time": 5.39,
    "product, four channels at once": 1.58,
    "product, one sum": 2.89,
    "product, two pixels at once": 1.43,
    "row of a kernel": 78.7,
    "row that is pooled": 8.44,
    "sample in a stage of radix 2": 3.67,
    "sample in a stage of radix 4": 6.41,
    "sample of a band spectrum": 12.8,
    "sample of a clip": 10.1,
    "sample of a mel spectrum": 13.7,
    "sample of a transform": 25.1,
    "value of a band spectrum": 76.7,
    "value that is copied": 0.98,
    "value that is normalised": 44.1,
    "value that is pooled": 9.17,
    "value that is quantised": 47.5,
    "weight of a factor": 8.1,
}
_NO_FPU = {
    "angle": 13000,
    "byte that is moved": 0.859,
    "candidate for an event": 588,
    "comparison of a sort": 216,
    "error of an output": 404,
    "level of a segment": 9.77,
    "level that is folded": 463,
    "level that is rounded": 321,
    "line near a rhythm": 450,
    "line of a band": 757,
    "mel band": 3350,
    "output of a layer": 122,
    "pooled output": 42.9,
    "power of a bin": 8990,
    "product of a cosine transform": 235,
    "product of a spectrum over time": 401,
    "product, four channels at once": 5.04,
    "product, one sum": 11.1,
    "product, two pixels at once": 4.98,
    "row of a kernel": 132,
    "row that is pooled": 22.7,
    "sample in a stage of radix 2": 116,
    "sample in a stage of radix 4": 399,
    "sample of a band spectrum": 257,
    "sample of a clip": 5.78,
    "sample of a mel spectrum": 479,
    "sample of a transform": 514,
    "value of a band spectrum": 3610,
    "value that is copied": 2.31,
    "value that is normalised": 1030,
    "value that is pooled": 9.51,
    "value that is quantised": 749,
    "weight of a factor": 265,
}
_NO_DSP = {
    "output of a layer": 52.6,
    "product, four channels at once": 2.76,
    "product, one sum": 5.26,
    "product, two pixels at once": 2.49,
    "row of a kernel": 75.2,
    "value that is copied": 0.584,
}
_NETWORK = (*_NO_DSP, "pooled output", "row that is pooled", "value that is pooled")
_XTENSA = 2.7
"""How many times the instructions of a Cortex-M4F without DSP a network takes on an Xtensa core.

It is the most of five networks on an lx106 (`benchmarks/edge_xtensa.py`), which has fewer
instructions than an ESP32.
"""
COSTS: Mapping[str, Mapping[str, float]] = {
    FPU: _FPU,
    NO_DSP: _FPU | _NO_DSP,
    NO_FPU: _NO_FPU,
    ESP32: _FPU | {name: _XTENSA * (_FPU | _NO_DSP)[name] for name in _NETWORK},
}
"""Instructions per operation, of gcc 12 at -O2 with newlib-nano.

Those of an ESP32 are an upper bound for the network; that its front end takes as many as on a
Cortex-M4F is assumed.
"""


@dataclass(frozen=True)
class Work:
    """What a detector computes.

    Attributes
    ----------
    second : Operations
        For a second of sound.
    longest : Operations
        In the longest call.
    """

    second: Operations
    longest: Operations


def instructions(operations: Operations, core: str) -> float:
    """Return the instructions of some operations on a core."""
    return sum(COSTS[core][name] * count for name, count in operations.items())


def total(parts: Sequence[tuple[float, Operations]]) -> Operations:
    """Return the sum of operations, each as often as the number before it says."""
    counts: Counter[str] = Counter()
    for times, operations in parts:
        counts.update({name: times * count for name, count in operations.items()})
    return counts


def fft_operations(n_fft: int) -> Operations:
    """Return the operations of the transform of a frame."""
    stages = (n_fft // 2).bit_length() - 1
    return {
        "sample of a transform": n_fft,
        "sample in a stage of radix 4": n_fft * (stages // 2),
        "sample in a stage of radix 2": n_fft * (stages % 2),
    }


def bands_operations(n_fft: int, n_values: int) -> Operations:
    """Return the operations of a frame of the band spectrum, without its transform."""
    return {"sample of a band spectrum": n_fft, "value of a band spectrum": n_values}


def mel_operations(n_fft: int, n_mels: int, power: float = 2.0) -> Operations:
    """Return the operations of a frame of mel bands, without its transform.

    There is about one weight per sample: a bin lies in two bands.
    """
    powers = 0 if power in (1.0, 2.0) else n_fft
    return {"sample of a mel spectrum": n_fft, "mel band": n_mels, "power of a bin": powers}


def layer_operations(layer: Layer) -> Operations:
    """Return the operations of a layer."""
    (in_h, in_w, in_c), (out_h, out_w, out_c) = layer.input_shape, layer.output_shape
    outputs = out_h * out_w * out_c
    if layer.kind == "lookup":
        return {"value that is pooled": outputs}
    rows = _inside(in_h, out_h, layer.kernel[0], layer.stride[0], layer.pad[0])
    columns = _inside(in_w, out_w, layer.kernel[1], layer.stride[1], layer.pad[1])
    if layer.kind != "convolution":
        return {
            "value that is pooled": rows * columns * out_c,
            "row that is pooled": rows * out_w * out_c,
            "pooled output": outputs,
        }
    values, pixels = math.prod(layer.kernel) * in_c, out_h * out_w
    pairs, single = divmod(pixels, 2)
    together = pairs * (out_c // 2) * LANES
    lanes = single * (out_c // LANES) * LANES
    return {
        "product, two pixels at once": together * values,
        "product, four channels at once": lanes * values,
        "product, one sum": (outputs - together - lanes) * values,
        "value that is copied": pixels * layer.patch,
        "row of a kernel": pixels * layer.kernel[0],
        "output of a layer": outputs,
    }


def _inside(size_in: int, size_out: int, kernel: int, stride: int, pad: int) -> int:
    """Return how many places of the kernel lie inside the input, over all outputs."""
    starts = [place * stride - pad for place in range(size_out)]
    return sum(min(start + kernel, size_in) - max(start, 0) for start in starts)


def network_operations(network: PlainNetwork) -> Operations:
    """Return the operations of a run of a network."""
    return total([(1, layer_operations(layer)) for layer in network.layers])


def stream_work(
    *,
    frame: Operations,
    frame_rate: float,
    n_fft: int,
    hop_length: int,
    n_values: int,
    stride: int,
    window: Operations,
) -> Work:
    """Return the work of a detector of a stream.

    Parameters
    ----------
    frame : Operations
        Of the front end, for a frame.
    frame_rate : float
        Frames per second.
    n_fft, hop_length : int
        Samples of a frame, and from frame to frame.
    n_values : int
        Values of a frame.
    stride : int
        Frames from window to window.
    window : Operations
        Of the network and the decision, for a window.
    """
    kept = {"value that is quantised": n_values, "byte that is moved": 2 * (n_fft - hop_length)}
    each = total([(1, frame), (1, kept)])
    return Work(
        second=total([(frame_rate, each), (frame_rate / stride, window)]),
        longest=total([(1, each), (1, window)]),
    )


def clip_work(
    *, frame: Operations, values: Operations, n_frames: int, network: Operations, seconds: float
) -> Work:
    """Return the work of a classifier of clips.

    Parameters
    ----------
    frame : Operations
        Of the bands of a frame. They are computed twice: for the loudest one, and for their values.
    values : Operations
        Of the values of a frame from its bands.
    n_frames : int
        Of a clip that fills a window.
    network : Operations
    seconds : float
        Duration of the clip.
    """
    clip = total([(2 * n_frames, frame), (n_frames, values), (1, network)])
    return Work(second=total([(1 / seconds, clip)]), longest=clip)


def block_work(*, frame: Operations, frame_rate: float, n_frames: int, block: Operations) -> Work:
    """Return the work of the default detector.

    Parameters
    ----------
    frame : Operations
        Of a frame.
    frame_rate : float
        Frames per second.
    n_frames : int
        Of a block.
    block : Operations
        Of the score of a block.
    """
    return Work(
        second=total([(frame_rate, frame), (frame_rate / n_frames, block)]),
        longest=total([(1, frame), (1, block)]),
    )


@dataclass(frozen=True)
class Block:
    """Sizes of a block of the default detector.

    Attributes
    ----------
    frames, bands : int
    groups : tuple of int
        Bands in each coarse one.
    machines : int
        That the block is scored as.
    segments, segment_frames, segment_stride : int
        Segments, their length and their distance in frames.
    rhythms, rhythm_groups : int
        Rhythms, and how often they are computed.
    mean_factor, other_factors : int
        Weights of the triangular factor of the mean spectra, and of the other views together.
    """

    frames: int
    bands: int
    groups: tuple[int, ...]
    machines: int
    segments: int
    segment_frames: int
    segment_stride: int
    rhythms: int
    rhythm_groups: int
    mean_factor: int
    other_factors: int

    def operations(self) -> Operations:
        """Return the operations of the score of a full block."""
        added = self.segment_frames + 2 * self.segment_stride * (self.segments - 1)
        factors = self.mean_factor * self.segments + self.other_factors
        parts = (
            coarse_operations(self.frames, len(self.groups), self.segment_frames),
            transform_operations(self.frames, self.groups),
            rhythm_operations(self.frames, self.rhythms, self.rhythm_groups),
            {
                "level of a segment": added * self.bands,
                "weight of a factor": self.machines * factors,
                "angle": self.frames,
                "level that is folded": self.frames * self.bands,
                "line of a band": self.frames // 2 * self.bands,
            },
        )
        return total([(1, part) for part in parts])


def coarse_operations(frames: int, coarse: int, segment_frames: int) -> Operations:
    """Return the operations of the quietest frames and the events of all coarse bands.

    The loudest frames of a segment are sorted by insertion, which takes nearly all of the time.
    """
    return {"comparison of a sort": frames * coarse * segment_frames / 4}


def transform_operations(frames: int, groups: Sequence[int]) -> Operations:
    """Return the operations of the spectra over time of groups of bands."""
    at_once = sum(-(-size // LANES) * LANES for size in groups)
    return {"product of a spectrum over time": (frames // 2) ** 2 * at_once}


def rhythm_operations(frames: int, rhythms: int, groups: int) -> Operations:
    """Return the operations of the rhythms of spectra over time."""
    return {"line near a rhythm": frames // 2 * groups * min(rhythms, _NEAR)}
