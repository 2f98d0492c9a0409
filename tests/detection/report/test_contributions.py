"""Contributions over frequency and time."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from stethoscope.detection.report.contributions import smooth, strongest_bands


def test_smooth_is_a_moving_mean() -> None:
    values = np.random.default_rng(0).random((40, 12))
    np.testing.assert_allclose(
        smooth(values, frames=7, bands=3), uniform_filter(values, (7, 3), mode="mirror"), rtol=1e-12
    )
    assert smooth(values[:1], frames=7, bands=1).shape == (1, 12)


def test_strongest_bands_reach_down_to_half_of_their_peak() -> None:
    centres = 100.0 * np.arange(1, 41)
    contributions = np.zeros(40)
    contributions[20:30] = 0.25
    contributions[5] = 0.1
    low, high, share = strongest_bands(contributions, centres)
    assert (low, high) == (2100.0, 3000.0)
    assert share == pytest.approx(2.5 / 2.6)
