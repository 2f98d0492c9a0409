import numpy as np
import pytest

from stethoscope.features.fourier import energy_spectrum


@pytest.mark.parametrize("n_fft", [32, 64, 100, 128, 256, 400, 512, 1000, 1024, 2048, 4096, 8192])
def test_equals_numpy_in_double_precision(n_fft: int) -> None:
    frames = np.random.default_rng(n_fft).standard_normal((7, n_fft)).astype(np.float32)
    expected = np.abs(np.fft.rfft(frames.astype(np.float64), axis=1)) ** 2
    energy = energy_spectrum(frames)
    assert energy.dtype == np.float32
    np.testing.assert_allclose(energy, expected, atol=2e-6 * expected.max())


def test_a_sine_has_its_energy_in_its_own_bin() -> None:
    n = np.arange(1024)
    energy = energy_spectrum(np.cos(2 * np.pi * 37 * n / 1024).astype(np.float32)[np.newaxis])[0]
    assert energy.argmax() == 37
    assert energy[37] == pytest.approx(512.0**2, rel=1e-5)
