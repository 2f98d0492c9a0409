"""Sounds mixed by their band spectra."""

import numpy as np
import numpy.typing as npt

from stethoscope.sound.definition import Frames

_MOST_GAIN = 10.0  # 20 dB


def mix(frames: Frames, background: Frames, gain: npt.NDArray[np.floating]) -> Frames:
    """Return the band spectra of sounds with background in them.

    The magnitudes of the spectra are added, which is close to the spectra of the sum.

    Parameters
    ----------
    frames, background : np.ndarray [shape=(..., n_frames, n_bands)]
    gain : np.ndarray [shape=(..., 1, 1)]
        By which the background is amplified.
    """
    mixed: Frames = np.log1p(np.expm1(frames) + np.asarray(gain, np.float32) * np.expm1(background))
    return mixed


def amplify(frames: Frames, gain: npt.NDArray[np.floating]) -> Frames:
    """Return the band spectra of sounds that are amplified by a gain [shape=(..., 1, 1)]."""
    amplified: Frames = np.log1p(np.asarray(gain, np.float32) * np.expm1(frames))
    return amplified


def level_gain(frames: Frames, background: Frames) -> npt.NDArray[np.float32]:
    """Return the gain that makes background as loud as sounds [shape=(..., 1, 1)].

    Background that is nearly silent is amplified by 20 dB at most.
    """
    levels = [
        np.sqrt(np.mean(np.square(np.expm1(one)), axis=(-2, -1), keepdims=True))
        for one in (frames, background)
    ]
    gain: npt.NDArray[np.float32] = np.minimum(levels[0] / np.maximum(levels[1], 1e-6), _MOST_GAIN)
    return gain
