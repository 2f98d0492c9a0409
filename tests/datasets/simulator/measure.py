"""Measurements of simulated recordings."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.signal

from stethoscope.datasets.simulator.signals import RATE

CLEAN_DB = 60.0
"""Signal-to-noise ratio at which the background can be neglected."""


def power_db(y: npt.NDArray[Any], low: float, high: float) -> float:
    """Power between two frequencies over that of the whole, in dB."""
    hz, power = scipy.signal.periodogram(y, RATE)
    return float(10.0 * np.log10(power[(hz >= low) & (hz < high)].sum() / power.sum()))


def peak_hz(y: npt.NDArray[Any], low: float, high: float) -> float:
    """The strongest line between two frequencies that is no multiple of the mains' hum."""
    hz, power = scipy.signal.periodogram(y, RATE, nfft=1 << 19)
    band = np.flatnonzero((hz >= low) & (hz < high) & (np.abs((hz + 50.0) % 100.0 - 50.0) > 2.0))
    return float(hz[band[np.argmax(power[band])]])


def centroid_hz(y: npt.NDArray[Any], low: float = 600.0) -> float:
    hz, power = scipy.signal.welch(y, RATE, nperseg=1024)
    above = hz >= low
    return float(np.sum(hz[above] * power[above]) / np.sum(power[above]))
