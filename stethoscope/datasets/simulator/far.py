"""A second microphone, far from the machine and nearer to the sounds around it."""

import numpy as np

from stethoscope.datasets.simulator.background import Background, add_clanks
from stethoscope.datasets.simulator.signals import RATE, Signal

_KNOTS_HZ = 62.5 * 2.0 ** np.arange(8)  # octaves
_COLOUR_DB = 2.0  # deviation of a path from octave to octave
_LEAKAGE_DB = (-12.0, 2.0)  # mean and deviation, of the machine, against the near microphone
_SURROUNDINGS_DB = (2.0, 3.0)  # of each source around the machine
_MOST_DELAY_S = 0.01


def far_machine(sound: Signal, rng: np.random.Generator) -> Signal:
    """Return what the far microphone receives of the machine [shape=(n,)].

    Parameters
    ----------
    sound : np.ndarray [shape=(n,)]
        The machine at the near microphone.
    rng : np.random.Generator
        Of the machine: both stand where they stand in all recordings.
    """
    return _through_path(sound, _LEAKAGE_DB, rng)


def far_background(sources: Background, rng: np.random.Generator) -> Signal:
    """Return what the far microphone receives of the sounds around the machine [shape=(n,)].

    Each source is at another place. It therefore has another level, colour and delay, and the two
    microphones differ by more than one filter.

    Parameters
    ----------
    sources : Background
        As the near microphone receives them.
    rng : np.random.Generator
    """
    clanks = np.zeros_like(sources.rumble)
    add_clanks(clanks, sources.clanks)
    far = np.zeros_like(sources.rumble)
    for source in (sources.rumble, sources.hiss, sources.other_machine, clanks):
        far += _through_path(source, _SURROUNDINGS_DB, rng)
    return far


def _through_path(sound: Signal, gain_db: tuple[float, float], rng: np.random.Generator) -> Signal:
    """Return a sound with a random gain, colour and delay of a path."""
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    levels = rng.normal(*gain_db) + _COLOUR_DB * rng.standard_normal(len(_KNOTS_HZ))
    colour = np.interp(np.log2(np.maximum(hz, 1.0)), np.log2(_KNOTS_HZ), levels)
    delay = rng.uniform(0.0, _MOST_DELAY_S)
    spectrum *= 10.0 ** (colour / 20.0) * np.exp(-2j * np.pi * hz * delay)
    received: Signal = np.fft.irfft(spectrum, len(sound)).astype(np.float32)
    return received
