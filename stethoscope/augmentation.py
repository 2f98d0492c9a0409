"""Altered versions of clips, to train on more than was recorded. Everything is seeded: the same clip is altered alike again."""

import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stethoscope.audio import Samples
from stethoscope.datasets.clips import Clip
from stethoscope.errors import ParameterError
from stethoscope.features.logmel import Frames

KINDS = {"noise": "0.005", "roll": "1600", "shift": "0.4"}
"""Alterations of samples by name, each with a usual amount: deviation of white noise, samples, largest share of the length."""


def altered(clips: Sequence[Clip], alterations: Sequence[str]) -> list[Clip]:
    """Return clips, each followed by a version for every alteration, which stays in its recording, split and fold.

    Parameters
    ----------
    clips : sequence of Clip
    alterations : sequence of str
        Such as ``noise 0.005``: white noise; ``roll 1600``: turned round by as many samples; ``shift 0.4``: turned round by a
        random share of the length, at most as large.

    Raises
    ------
    ParameterError
        If there is no such alteration.
    """
    for alteration in alterations:
        _parse(alteration)
    return [version for clip in clips for version in (clip, *(replace(clip, augmentation=alteration) for alteration in alterations))]


def alter(samples: Samples, clip: Clip) -> Samples:
    """Return the samples of a clip, altered as its ``augmentation`` says; the draw hangs on the recording alone.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,), dtype=float32]
    clip : Clip

    Raises
    ------
    ParameterError
        If there is no such alteration.
    """
    if not clip.augmentation:
        return samples
    kind, amount = _parse(clip.augmentation)
    rng = np.random.default_rng(zlib.crc32(f"{clip.augmentation} {clip.recording} {clip.path} {clip.start}".encode()))
    if kind == "noise":
        return samples + np.float32(amount) * rng.standard_normal(len(samples), dtype=np.float32)
    if kind == "roll":
        return np.roll(samples, round(amount))
    return np.roll(samples, int(rng.uniform(0.0, amount) * len(samples)))


def mask(frames: Frames, share: float, fill: Frames, rng: np.random.Generator) -> None:
    """Mask two stretches of bands and two of time, in place, each up to a share of the whole.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, n_values)]
    share : float
        From 0 to 1.
    fill : np.ndarray [shape=(n_values,)]
        What is put in place: the mean of every band.
    rng : np.random.Generator

    References
    ----------
    D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition", Interspeech 2019.
    """
    n_frames, n_values = frames.shape
    for _ in range(2):
        first, last = _stretch(n_values, share, rng)
        frames[:, first:last] = fill[first:last]
        first, last = _stretch(n_frames, share, rng)
        frames[first:last] = fill


def _stretch(length: int, share: float, rng: np.random.Generator) -> tuple[int, int]:
    size = int(rng.integers(int(share * length) + 1))
    first = int(rng.integers(length - size + 1))
    return first, first + size


def _parse(alteration: str) -> tuple[str, float]:
    kind, _, amount = alteration.partition(" ")
    try:
        if kind not in KINDS:
            raise ValueError
        value = float(amount)
        if not np.isfinite(value) or value < 0:
            raise ValueError
    except ValueError as error:
        known = ", ".join(f"{name} {usual}" for name, usual in KINDS.items())
        raise ParameterError(f"augmentation {alteration!r} is not known; give alterations such as {known}") from error
    return kind, value
