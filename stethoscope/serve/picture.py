"""The picture of a recording: its spectrogram and where in it the anomaly is, as bytes that a page paints."""

import base64
from typing import Any

import numpy as np

from stethoscope.features.logmel import Frames
from stethoscope.inference import Inference

_MAX_COLUMNS = 480
_DYNAMIC_RANGE = 70.0  # dB below the loudest value that are told apart
_SATURATED = 0.995  # share of the deviation below full strength
_SMOOTH = (5, 3)  # columns and bands: single values are noise


def draw(inference: Inference, content: bytes, machine: str) -> dict[str, Any]:
    """Draw a recording that has been judged.

    Returns
    -------
    dict
        ``Columns`` and ``Bands``; ``Seconds``; ``Frequencies``, the centre of every band in Hz; ``Spectrogram`` and
        ``Deviation``, base64 of uint8 values [shape=(bands, columns)], the lowest band first.
    """
    detector = inference.bundle.detector
    feature = detector.feature
    frames = inference.frames(content)
    deviation = detector.deviation(frames, machine)
    spectrogram, deviation = _columns(frames), _smooth(_columns(deviation))
    loudest = float(spectrogram.max())
    quietest = max(loudest - _DYNAMIC_RANGE, float(spectrogram.min()))
    strongest = float(np.quantile(deviation, _SATURATED))
    lines = np.arange(1 + feature.n_fft // 2) * (feature.sample_rate / feature.n_fft)
    return {
        "Columns": len(spectrogram),
        "Bands": feature.size,
        "Seconds": (len(frames) - 1) * feature.hop_length / feature.sample_rate,
        "Frequencies": [round(float(hz), 1) for hz in np.maximum.accumulate(lines[feature.filters.argmax(axis=1)])],
        "Spectrogram": _bytes(spectrogram, quietest, loudest),
        "Deviation": _bytes(deviation, 0.0, strongest),
    }


def _columns(frames: Frames) -> Frames:
    """Return means of neighbouring frames, few enough to be painted."""
    if len(frames) <= _MAX_COLUMNS:
        return frames
    edges = np.linspace(0, len(frames), _MAX_COLUMNS, endpoint=False).astype(np.intp)
    sums: Frames = np.add.reduceat(frames, edges, axis=0)
    sums /= np.diff(edges, append=len(frames))[:, np.newaxis].astype(np.float32)
    return sums


def _smooth(values: Frames) -> Frames:
    """Return moving means over neighbouring columns and bands, mirrored at the edges."""
    for axis, width in enumerate(_SMOOTH):
        around = [(width // 2, width // 2) if axis == one else (0, 0) for one in range(2)]
        padded = np.pad(values, around, mode="symmetric")
        values = np.lib.stride_tricks.sliding_window_view(padded, width, axis=axis).mean(axis=-1, dtype=np.float32)
    return values


def _bytes(values: Frames, low: float, high: float) -> str:
    scaled = np.clip((values - low) / ((high - low) or 1.0), 0.0, 1.0)
    return base64.b64encode((scaled * 255).round().astype(np.uint8).T.tobytes()).decode("ascii")
