"""What a network hears of a clip while it is trained."""

import numpy as np

from stethoscope.classification.model import cover
from stethoscope.datasets.alterations import mask
from stethoscope.sound.logmel import Frames


def draw(
    frames: Frames,
    window: int,
    *,
    shift: float,
    masked: float,
    fill: Frames,
    planes: int,
    rng: np.random.Generator,
) -> Frames:
    """Draw a window of a clip, altered anew at every call.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, n_values)]
        A clip as :func:`stethoscope.classification.model.prepare` gives it.
    window : int
        In frames.
    shift : float
        Largest share of its length by which the clip is turned round.
    masked : float
        Largest share of each of two masks in time and two in frequency.
    fill : np.ndarray [shape=(n_values,)]
        What masks put in place.
    planes : int
        Channels that stand side by side in a frame.
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
