"""Golden vectors: a synthetic sound with the frames and the score that a model must compute.

They show that a model computes on this machine what it computed where it was exported, and they
are the reference for the generated C.
"""

from pathlib import Path

import numpy as np
import soundfile

from stethoscope.bundle.roles import Model
from stethoscope.checks import EXPORT_AGAIN, check, fields, number, text
from stethoscope.classification.model import Classifier
from stethoscope.detection.scorer import Scorer
from stethoscope.diagnosis.model import Diagnosis
from stethoscope.errors import AudioError, ModelError
from stethoscope.events.model import EventDetector
from stethoscope.files import read_json, write_json
from stethoscope.model.arrays import floats, read_array
from stethoscope.sound.audio import Samples
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import load_for_feature
from stethoscope.sound.logmel import LogMel

_SECONDS = 2.0
_TOLERANCE = 1e-4


def write_golden(folder: Path, model: Model, machine: str) -> None:
    """Write a synthetic sound, its frames and the score of a model for it.

    Parameters
    ----------
    folder : Path
        Made new.
    model : Scorer, EventDetector, Diagnosis or Classifier
    machine : str
        Machine type and id, ``fan/00``; empty for a model that knows no machines.
    """
    folder.mkdir(parents=True)
    feature = model.feature
    samples = golden_sound(feature.sample_rate, max(_SECONDS, 2.0 * _window_seconds(model)))
    if isinstance(feature, LogMel) and feature.far_channel >= 0:
        samples = _two_microphones(samples, feature)
    soundfile.write(folder / "golden.wav", samples.T, feature.sample_rate, subtype="PCM_16")
    frames = feature.extract(load_for_feature(folder / "golden.wav", feature))
    np.save(folder / "frames.npy", frames)
    score = _score(model, frames, machine)
    write_json(folder / "golden.json", {"machine": machine, "score": score})


def check_golden(folder: Path, model: Model) -> None:
    """Check that a model computes the score that :func:`write_golden` stored.

    Raises
    ------
    ModelError
        If the scores differ by more than 1 part in 10,000.
    """
    golden = read_json(folder / "golden.json")
    check(folder / "golden.json", golden, fields({"machine": text(), "score": number()}))
    frames = _stored_frames(folder, model)
    score = _score(model, frames, golden["machine"])
    if not np.isclose(score, golden["score"], rtol=_TOLERANCE, atol=0):
        raise ModelError(
            f"{folder}: the model scores the golden sound {score:.6g} "
            f"instead of {golden['score']:.6g}; export the model again"
        )


def check_golden_frames(folder: Path, model: Model) -> None:
    """Check that the frames of the golden sound are those that :func:`write_golden` stored.

    Raises
    ------
    ModelError
        If they are not, or the sound cannot be read.
    """
    stored = _stored_frames(folder, model)
    try:
        samples = load_for_feature(folder / "golden.wav", model.feature)
    except AudioError as error:
        raise ModelError(f"{error}; {EXPORT_AGAIN}") from error
    found = model.feature.extract(samples)
    if found.shape != stored.shape or not np.allclose(found, stored, rtol=1e-3, atol=0.05):
        raise ModelError(
            f"{folder}: the feature computes other frames of the golden sound than it did when "
            f"the model was exported; {EXPORT_AGAIN}"
        )


def golden_sound(sample_rate: int, seconds: float) -> Samples:
    """Return a hum with harmonics, knocks and noise, which has energy in every band.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    seconds : float

    Returns
    -------
    np.ndarray [shape=(round(seconds * sample_rate),), dtype=float32]
    """
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    hum = sum(np.sin(2 * np.pi * 50.0 * k * time) / k for k in range(1, 9))
    knocks = np.exp(-40.0 * (time % 0.25)) * np.sin(2 * np.pi * 0.2 * sample_rate * time)
    noise = np.random.default_rng(0).standard_normal(len(time))
    samples: Samples = (0.05 * hum + 0.1 * knocks + 0.02 * noise).astype(np.float32)
    return samples


def _two_microphones(samples: Samples, feature: LogMel) -> Samples:
    """Return a recording whose far channel has the sound backwards, and whose others are silent."""
    channels = np.zeros((1 + max(feature.channel, feature.far_channel), len(samples)), np.float32)
    channels[feature.channel] = samples
    channels[feature.far_channel] = 0.5 * samples[::-1]
    return channels


def _window_seconds(model: Model) -> float:
    if isinstance(model, Scorer):
        return model.min_frames * model.feature.hop_length / model.feature.sample_rate
    return model.window_seconds


def _stored_frames(folder: Path, model: Model) -> Frames:
    path = folder / "frames.npy"
    frames: Frames = read_array(path, floats("frames", "values"), values=model.feature.size)
    if len(frames) < _least_frames(model):
        raise ModelError(f"{path}: has no golden sound of a window; {EXPORT_AGAIN}")
    return frames


def _least_frames(model: Model) -> int:
    if isinstance(model, Scorer):
        return model.min_frames
    return model.window if isinstance(model, EventDetector) else 1


def _score(model: Model, frames: Frames, machine: str) -> float:
    """Return a scalar that depends on every part of a model.

    It is a detector's score, the mean of an event detector's scores, or the mean class number that
    a diagnosis or a classifier answers.
    """
    if isinstance(model, Scorer):
        return model.score(frames, machine)
    if isinstance(model, Diagnosis | Classifier):
        probabilities = (
            model.probabilities(frames, machine)
            if isinstance(model, Diagnosis)
            else model.probabilities(frames)
        )
        return float(probabilities @ np.arange(1.0, 1 + len(model.labels)))
    return float(np.mean(model.scores(frames)))
