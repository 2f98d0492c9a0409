"""Deviation over frequency and time."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from stethoscope.detection.report.deviations import excess, smooth, strongest_bands


def test_smooth_is_a_moving_mean() -> None:
    values = np.random.default_rng(0).random((40, 12))
    np.testing.assert_allclose(
        smooth(values, frames=7, bands=3), uniform_filter(values, (7, 3), mode="mirror"), rtol=1e-12
    )
    assert smooth(values[:1], frames=7, bands=1).shape == (1, 12)


def test_strongest_bands_reach_down_to_half_of_the_excess() -> None:
    centres = 100.0 * np.arange(1, 41)
    anomalous = np.ones(40)
    anomalous[20:30] = 4.0
    low, high, times = strongest_bands(excess(anomalous, np.ones(40)), centres)
    assert times == pytest.approx(4.0)
    assert (low, high) == (2100.0, 3000.0)


def test_excess_is_finite_if_there_is_no_usual_deviation() -> None:
    assert np.isfinite(excess(np.ones(3), np.array([0.0, 1.0, 1.0]))).all()
    assert np.isfinite(excess(np.zeros(3), np.zeros(3))).all()
