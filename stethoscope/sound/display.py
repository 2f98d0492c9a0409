"""How much of a spectrogram is shown."""

import math

from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.feature import Feature
from stethoscope.sound.logmel import LogMel

DYNAMIC_RANGE = 70.0
"""In dB below the loudest value. Digital silence would otherwise take up most of the colours."""

_NEPERS_PER_DECIBEL = math.log(10) / 20


def dynamic_range(feature: Feature) -> float:
    """Return :data:`DYNAMIC_RANGE` in the unit of a feature's values, infinite if it has no range.

    Values of a log-mel spectrogram are decibels. Those of a band spectrum are natural logarithms of
    magnitudes. Coefficients are no levels.
    """
    if isinstance(feature, LogMel):
        return DYNAMIC_RANGE
    if isinstance(feature, BandSpectrum):
        return DYNAMIC_RANGE * _NEPERS_PER_DECIBEL
    return math.inf
