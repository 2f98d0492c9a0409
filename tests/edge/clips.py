"""Clips of two classes."""

import numpy as np

from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc

FEATURES = {
    "mfcc-cnn": Mfcc(n_fft=512, hop_length=256, n_mels=40, n_mfcc=16),
    "mel-cnn": LogMel(n_fft=512, hop_length=256, n_mels=24, pad_mode="constant"),
}
RATE = 8000


def sound(label: str, seed: int, seconds: float) -> np.ndarray:
    """Return a tone of varying pitch, or noise that is switched on and off."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * rng.uniform(400, 700) * time + 3 * np.sin(2 * np.pi * 3 * time))
    quiet = 0.002 * rng.standard_normal(len(time))
    loud = (
        tone
        if label == "tone"
        else rng.standard_normal(len(time)) * (np.sin(2 * np.pi * 2 * time) > 0)
    )
    return np.asarray(np.clip(0.2 * loud + quiet, -1, 1), dtype=np.float32)
