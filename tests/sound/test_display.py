"""The dynamic range of spectrograms."""

import math

import numpy as np
import pytest

from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.display import dynamic_range
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc


@pytest.mark.parametrize(
    "feature",
    [LogMel(sample_rate=16000), LogMel(sample_rate=16000, power=1.0), BandSpectrum()],
    ids=["energy", "magnitude", "bands"],
)
def test_a_sound_70_db_lower_is_lower_by_the_range(feature: LogMel | BandSpectrum) -> None:
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    quiet = noise * np.float32(10 ** (-70 / 20))
    difference = feature.extract(noise) - feature.extract(quiet)
    # A band spectrum is log(1 + magnitude), which bends where the magnitude is near 1.
    tolerance = 0.02 if isinstance(feature, LogMel) else 0.3
    assert np.median(difference) == pytest.approx(dynamic_range(feature), abs=tolerance)


def test_coefficients_have_no_range() -> None:
    assert dynamic_range(Mfcc(sample_rate=16000)) == math.inf
