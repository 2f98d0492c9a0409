"""The picture of a recording: its spectrogram and what in it made the score."""

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.bundle.inference import Inference
from stethoscope.bundle.verdict import Timeline, Verdict
from stethoscope.detection.evidence import heat
from stethoscope.detection.scorer import Scorer
from stethoscope.events.model import Event, EventDetector
from stethoscope.sound.audio import load
from stethoscope.sound.definition import Frames
from stethoscope.sound.display import dynamic_range
from stethoscope.sound.feature import Feature
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.recording import Recording

_MAX_COLUMNS = 480
_MOST_WINDOWS = 60  # of a long recording; each costs as much as a recording
_MEL_BANDS = 64
_SMOOTH = (5, 3)  # columns and bands: single values are noise


def draw_picture(inference: Inference, content: bytes, verdict: Verdict) -> dict[str, Any]:
    """Draw a recording that has been judged.

    The deviation shows what made the score exceed the threshold: nothing if it does not. In a long
    recording it shows that of every anomalous window, or of those with the highest scores. Where
    events decide, it shows them; where classes do, nothing.

    Returns
    -------
    dict
        ``Columns`` and ``Bands``; ``Seconds``; ``Frequencies``, the centre of every band in Hz;
        ``Spectrogram`` and ``Deviation``, base64 of uint8 values [shape=(bands, columns)], the
        lowest band first; ``Parts``, the contributions of the detector's views to the score.
    """
    bundle = inference.bundle
    if inference.role == "detector":
        unit = bundle.thresholds.unit(verdict.machine)
        if verdict.timeline:
            frames = bundle.detector.feature.extract(
                Recording(content).samples(bundle.detector.feature)
            )
            return _draw_windows(bundle.detector, frames, verdict, verdict.timeline, unit)
        return _draw_evidence(bundle.detector, inference.frames(content), verdict, unit)
    if inference.role == "events":
        return _draw_events(bundle.events, content, verdict.events or ())
    return _draw_sound(bundle.models[inference.role].feature, content)


def _draw_evidence(
    detector: Scorer, frames: Frames, verdict: Verdict, unit: float
) -> dict[str, Any]:
    evidence = detector.evidence(frames, verdict.machine)
    picture = _draw_frames(detector, frames, evidence.above(verdict.threshold, unit))
    return {**picture, "Parts": dict(evidence.parts)}


def _draw_windows(
    detector: Scorer, frames: Frames, verdict: Verdict, timeline: Timeline, unit: float
) -> dict[str, Any]:
    """Draw a long recording, and what made the scores of its anomalous windows."""
    feature = detector.feature
    rate = feature.sample_rate / feature.hop_length
    length = max(detector.min_frames, round(timeline.window * rate))
    # Windows that overlap cost no more than the recording does twice.
    most = min(_MOST_WINDOWS, 1 + 2 * len(frames) // length)
    anomalous = [
        (score, start)
        for score, start in zip(timeline.scores, timeline.starts, strict=True)
        if score is not None and score > verdict.threshold
    ]
    strengths = np.zeros((len(frames), feature.n_mels), np.float32)
    for _, start in sorted(anomalous, reverse=True)[:most]:
        first = min(round(start * rate), max(0, len(frames) - length))
        part = slice(first, first + length)
        evidence = detector.evidence(frames[part], verdict.machine)
        strengths[part] = np.maximum(strengths[part], evidence.above(verdict.threshold, unit))
    return _draw_frames(detector, frames, strengths)


def _draw_frames(detector: Scorer, frames: Frames, strengths: Frames) -> dict[str, Any]:
    """Draw frames, and how strongly each place contributes to what lies above the threshold."""
    feature = detector.feature
    lines = np.arange(1 + feature.n_fft // 2) * (feature.sample_rate / feature.n_fft)
    return _picture(
        frames[:, : feature.n_mels],
        heat(_smooth(_columns(strengths))),
        seconds=(len(frames) - 1) * feature.hop_length / feature.sample_rate,
        frequencies=np.maximum.accumulate(lines[feature.filters.argmax(axis=1)]),
        dynamic_range=dynamic_range(feature),
    )


def _draw_events(model: EventDetector, content: bytes, events: Iterable[Event]) -> dict[str, Any]:
    bands = model.feature
    samples, _ = load(content, sample_rate=bands.sample_rate, channel=bands.channel)
    frames = bands.extract(samples)
    seconds = len(samples) / bands.sample_rate
    return _picture(
        frames,
        _columns(_event_scores(events, frames, seconds)),
        seconds=seconds,
        frequencies=np.arange(bands.n_bands) * (bands.sample_rate / bands.n_fft),
        dynamic_range=dynamic_range(bands),
    )


def _draw_sound(feature: Feature, content: bytes) -> dict[str, Any]:
    """Draw the log-mel spectrogram of a recording; classes mark no places in it."""
    mel = LogMel(
        sample_rate=feature.sample_rate,
        channel=feature.channel,
        n_fft=feature.n_fft,
        hop_length=feature.hop_length,
        n_mels=min(_MEL_BANDS, feature.n_fft // 4),
        pad_mode="constant",
    )
    samples, _ = load(content, sample_rate=mel.sample_rate, channel=mel.channel)
    frames = mel.extract(samples)
    lines = np.arange(1 + mel.n_fft // 2) * (mel.sample_rate / mel.n_fft)
    return _picture(
        frames,
        np.zeros_like(_columns(frames)),
        seconds=len(samples) / mel.sample_rate,
        frequencies=np.maximum.accumulate(lines[mel.filters.argmax(axis=1)]),
        dynamic_range=dynamic_range(mel),
    )


def _event_scores(events: Iterable[Event], frames: Frames, seconds: float) -> Frames:
    """Return the scores of events at the frames [shape=(n_frames, n_bands)], 0 between events."""
    scores = np.zeros_like(frames)
    for event in events:
        first, last = (round(time / seconds * len(frames)) for time in (event.start, event.end))
        scores[first:last] = event.score
    return scores


def _picture(
    frames: Frames,
    deviation: npt.NDArray[np.floating],
    *,
    seconds: float,
    frequencies: npt.NDArray[Any],
    dynamic_range: float,
) -> dict[str, Any]:
    spectrogram = _columns(frames)
    loudest = float(spectrogram.max())
    quietest = max(loudest - dynamic_range, float(spectrogram.min()))
    return {
        "Columns": len(spectrogram),
        "Bands": frames.shape[1],
        "Seconds": seconds,
        "Frequencies": [round(float(hz), 1) for hz in frequencies],
        "Spectrogram": _bytes(spectrogram, quietest, loudest),
        "Deviation": _bytes(deviation, 0.0, 1.0),
    }


def _columns(frames: Frames) -> Frames:
    """Return means of neighbouring frames, at most `_MAX_COLUMNS` of them."""
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
        values = np.lib.stride_tricks.sliding_window_view(padded, width, axis=axis).mean(
            axis=-1, dtype=np.float32
        )
    return values


def _bytes(values: npt.NDArray[np.floating], low: float, high: float) -> str:
    scaled = np.clip((values - low) / ((high - low) or 1.0), 0.0, 1.0)
    return base64.b64encode((scaled * 255).round().astype(np.uint8).T.tobytes()).decode("ascii")
