import numpy as np
import pytest
import scipy.signal

from stethoscope.datasets.simulator.signals import RATE, noise


def test_noise_has_unit_power_and_the_requested_spectrum() -> None:
    levels = np.array([0.0, -20.0, -6.0, -12.0])
    knots = np.array([50.0, 500.0, 2000.0, 7900.0])
    y = noise(20 * RATE, knots, levels, np.random.default_rng(0))
    assert np.mean(np.square(y, dtype=np.float64)) == pytest.approx(1.0, rel=0.02)
    hz, power = scipy.signal.welch(y, RATE, nperseg=4096)
    expected = np.interp(hz, knots, 10.0 ** (levels / 20.0)) ** 2
    measured = 10.0 * np.log10(power / expected)[(hz > 100.0) & (hz < 7800.0)]
    assert np.std(measured) < 0.6
