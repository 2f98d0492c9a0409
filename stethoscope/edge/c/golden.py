"""Golden vectors: a sound, and the features, outputs and scores that it must give."""

from zlib import crc32

import numpy as np
import numpy.typing as npt

from stethoscope.bundle.golden import golden_sound
from stethoscope.classification.model import cover, prepare_frames
from stethoscope.edge.c.frontend import stream_frames, to_float
from stethoscope.edge.c.target import Target
from stethoscope.edge.c.text import Array, Constant, declarations, definitions, single
from stethoscope.events.model import windows_of
from stethoscope.model.network import quantise
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature

FRAME_TOLERANCE = 1e-5
"""Largest difference of features in C, as a share of the largest value where that is above 1."""

BAND_TOLERANCE = 1e-4
"""The same of band spectra: a quiet bin has the rounding errors of a loud one."""

_STREAM_WINDOWS = 5
_CLIP_SECONDS = 0.9
"""A clip that is shorter than most windows, so that its extension is checked too."""


def golden_files(target: Target) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values for the templates of ``golden.h`` and ``golden.c``."""
    pcm, frames, windows = _clip(target) if target.clip_samples else _stream(target)
    layers = target.file.layers
    inputs = quantise(windows, layers.in_scale, layers.in_zero).reshape(len(windows), -1)
    outputs = target.file.run(inputs)
    values = (outputs.astype(np.float32) - np.float32(layers.out_zero)) * np.float32(
        layers.out_scale
    )
    scores, score_tolerance = target.golden_scores(values, windows)
    tolerance = BAND_TOLERANCE if isinstance(target.feature, BandSpectrum) else FRAME_TOLERANCE
    arrays = [
        Array("GOLDEN_PCM", pcm),
        Array("GOLDEN_FRAME", frames),
        Array("GOLDEN_INPUT", inputs),
        Array("GOLDEN_OUTPUT", outputs),
        Array("GOLDEN_SCORE", scores.astype(np.float32)),
        *target.golden,
    ]
    constants = [
        Constant("GOLDEN_SAMPLES", str(len(pcm))),
        *(
            Constant(f"{array.name}S", str(len(array.values)))
            for array in arrays
            if array.name not in ("GOLDEN_PCM", "GOLDEN_OUTPUT")
        ),
        Constant("GOLDEN_CRC", f"0x{crc32(target.file.content):08x}u", "CRC-32 of model_data"),
        Constant(
            "GOLDEN_STEPS",
            str(1 + len(layers.layers) // 3),
            "TensorFlow Lite Micro may round differently in every layer",
        ),
        Constant("FRAME_TOLERANCE", single(tolerance * max(1.0, float(np.abs(frames).max())))),
        Constant("SCORE_TOLERANCE", single(score_tolerance)),
    ]
    header = {"constants": definitions(constants), "arrays": declarations(arrays)}
    return header, {"arrays": definitions(arrays).rstrip("\n")}


def _stream(target: Target) -> tuple[npt.NDArray[np.int16], Frames, Frames]:
    """Return sound for a few windows, its frames, and the windows, normalised."""
    feature = target.feature
    n_frames = target.window + (_STREAM_WINDOWS - 1) * target.stride
    pcm = _golden_pcm(feature, (n_frames - 1) * feature.hop_length + feature.n_fft)
    frames = stream_frames(feature, to_float(pcm))
    normal = (frames - np.float32(target.mean)) / np.float32(target.deviation)
    return pcm, frames, windows_of(normal.astype(np.float32), target.window, target.stride)


def _clip(target: Target) -> tuple[npt.NDArray[np.int16], Frames, Frames]:
    """Return a clip, its frames, and the windows that cover it, normalised."""
    feature = target.feature
    pcm = _golden_pcm(feature, round(_CLIP_SECONDS * feature.sample_rate))
    frames = prepare_frames(feature.extract(to_float(pcm)), feature)
    normal = (cover(frames, target.window) - target.mean) / target.deviation
    return pcm, frames, normal.astype(np.float32)


def _golden_pcm(feature: Feature, n_samples: int) -> npt.NDArray[np.int16]:
    sound = golden_sound(feature.sample_rate, n_samples / feature.sample_rate)[:n_samples]
    return np.rint(sound * 32767).astype(np.int16)
