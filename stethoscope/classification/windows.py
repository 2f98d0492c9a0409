"""Windows of clips, altered at random, for the training of a classifier."""

import numpy as np

from stethoscope.classification.model import cover
from stethoscope.sound.definition import Frames


def draw_window(
    frames: Frames,
    window: int,
    *,
    shift: float,
    masked: float,
    fill: Frames,
    planes: int,
    rng: np.random.Generator,
) -> Frames:
    """Return a random window of a clip, altered differently at every call.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, n_values)]
        A clip as :func:`stethoscope.classification.model.prepare_frames` returns it.
    window : int
        In frames.
    shift : float
        Largest circular shift in time, as a fraction of the clip.
    masked : float
        Largest fraction of each of two masks in time and two in frequency.
    fill : np.ndarray [shape=(n_values,)]
        Values of masked frames and bands.
    planes : int
        Channels whose values stand side by side in a frame.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray [shape=(window, n_values)]
    """
    if shift:
        frames = np.roll(frames, int(rng.uniform(0.0, shift) * len(frames)), axis=0)
    windows = cover(frames, window)
    drawn: Frames = np.array(windows[rng.integers(len(windows))])
    if masked:
        mask(drawn, masked, fill, rng, planes=planes)
    return drawn


def mask(
    frames: Frames, share: float, fill: Frames, rng: np.random.Generator, *, planes: int = 1
) -> None:
    """Mask two ranges of bands and two of time, in place, each up to a fraction of the whole.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, n_values)]
    share : float
        Largest fraction of each mask, from 0 to 1.
    fill : np.ndarray [shape=(n_values,)]
        Values of masked frames and bands: the mean of every band.
    rng : np.random.Generator
    planes : int
        Channels whose values stand side by side in a frame; the same bands of all are masked.

    References
    ----------
    D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech
    recognition", Interspeech 2019.
    """
    bands, filling = frames.reshape(len(frames), planes, -1), fill.reshape(planes, -1)
    for _ in range(2):
        first, last = _span(bands.shape[2], share, rng)
        bands[:, :, first:last] = filling[:, first:last]
        first, last = _span(len(frames), share, rng)
        bands[first:last] = filling


def _span(length: int, share: float, rng: np.random.Generator) -> tuple[int, int]:
    size = int(rng.integers(int(share * length) + 1))
    first = int(rng.integers(length - size + 1))
    return first, first + size
