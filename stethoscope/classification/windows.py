"""Windows of clips, altered at random, for the training of a classifier."""

from functools import cache

import numpy as np
import numpy.typing as npt

from stethoscope.classification.model import cover
from stethoscope.sound.definition import Frames

Positions = npt.NDArray[np.intp]


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
    drawn = frames[draw_positions(np.array([len(frames)]), window, shift, rng)]
    mask(drawn, masked, fill, rng, planes=planes)
    window_drawn: Frames = drawn[0]
    return window_drawn


def draw_positions(
    n_frames: npt.NDArray[np.integer], window: int, shift: float, rng: np.random.Generator
) -> Positions:
    """Draw one of the windows that cover each clip, after a random circular shift of the clip.

    Parameters
    ----------
    n_frames : np.ndarray of int [shape=(n,)]
        Length of each clip.
    window : int
        In frames.
    shift : float
        Largest shift, as a fraction of the clip.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray of int [shape=(n, window)]
        Frames of the clip, each from 0.
    """
    shifts = (rng.uniform(0.0, shift, len(n_frames)) * n_frames).astype(np.intp)
    chosen = rng.random(len(n_frames))
    windows = [
        _covering(int(count), window)[int(part * -(-count // window))]
        for count, part in zip(n_frames, chosen, strict=True)
    ]
    positions: Positions = (np.stack(windows) - shifts[:, np.newaxis]) % n_frames[:, np.newaxis]
    return positions


@cache
def _covering(n_frames: int, window: int) -> Positions:
    """Return the frames of the windows that cover a clip [shape=(n_windows, window)]."""
    frames = np.arange(n_frames, dtype=np.float32)[:, np.newaxis]
    return cover(frames, window)[:, :, 0].astype(np.intp)


def mask(
    windows: Frames, share: float, fill: Frames, rng: np.random.Generator, *, planes: int = 1
) -> None:
    """Mask two ranges of bands and two of time in each window, each up to a fraction of the whole.

    Parameters
    ----------
    windows : np.ndarray [shape=(n, window, n_values)]
        Altered in place.
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
    count, window, n_values = windows.shape
    bands = np.tile(_masked(count, n_values // planes, share, rng), planes)
    frames = _masked(count, window, share, rng)
    np.copyto(windows, fill, where=bands[:, np.newaxis, :] | frames[:, :, np.newaxis])


def _masked(
    count: int, length: int, share: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Return which of `length` places two random ranges contain [shape=(count, length)]."""
    size = rng.integers(int(share * length) + 1, size=(count, 2, 1))
    first = rng.integers(length - size + 1)
    places = np.arange(length)
    contained = (places >= first) & (places < first + size)
    return np.logical_or(contained[:, 0], contained[:, 1])
