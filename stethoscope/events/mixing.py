"""Sounds mixed by their band spectra."""

import numpy as np
import numpy.typing as npt

from stethoscope.sound.definition import Frames

_MOST_GAIN = 10.0  # 20 dB


def mix(
    frames: Frames,
    background: Frames,
    gain: npt.NDArray[np.floating],
    loudness: npt.NDArray[np.floating] | float = 1.0,
) -> Frames:
    """Return the band spectra of sounds with background in them.

    The magnitudes of the spectra are added, which is close to the spectra of the sum.

    Parameters
    ----------
    frames, background : np.ndarray [shape=(..., n_frames, n_bands)]
    gain : np.ndarray [shape=(..., 1, 1)]
        By which the background is amplified.
    loudness : np.ndarray [shape=(..., 1, 1)]
        By which the sum is amplified.
    """
    louder, added = np.asarray(loudness, np.float32), np.asarray(gain, np.float32)
    mixed: Frames = np.log1p(louder * (np.expm1(frames) + added * np.expm1(background)))
    return mixed


def level_gain(frames: Frames, background: Frames) -> npt.NDArray[np.float64]:
    """Return the gain that makes background as loud as sounds [shape=(..., 1, 1)].

    Background that is nearly silent is amplified by 20 dB at most.
    """
    levels = [
        np.sqrt(np.mean(np.expm1(one.astype(np.float64)) ** 2, axis=(-2, -1), keepdims=True))
        for one in (frames, background)
    ]
    gain: npt.NDArray[np.float64] = np.minimum(levels[0] / np.maximum(levels[1], 1e-6), _MOST_GAIN)
    return gain
