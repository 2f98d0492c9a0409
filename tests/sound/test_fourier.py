import numpy as np
import pytest

from stethoscope.sound.fourier import EnergySpectrum


def spectrum(samples: np.ndarray, window: np.ndarray, hop_length: int) -> np.ndarray:
    n_frames = 1 + (len(samples) - len(window)) // hop_length
    result = np.full((n_frames, len(window) // 2 + 1), np.nan, dtype=np.float32)
    for frames, energy in EnergySpectrum(window, hop_length).blocks(samples):
        assert energy.dtype == np.float32
        result[frames] = energy
    return result


@pytest.mark.parametrize("n_frames", [1, 7, 300])
@pytest.mark.parametrize("n_fft", [32, 64, 100, 128, 256, 400, 512, 1000, 1024, 2048, 4096, 8192])
@pytest.mark.parametrize("hop", ["half", "odd"])
def test_energy_equals_numpy_in_double_precision(n_fft: int, hop: str, n_frames: int) -> None:
    hop_length = n_fft // 2 if hop == "half" else n_fft // 3 | 1
    generator = np.random.default_rng(n_fft)
    window = generator.uniform(size=n_fft)
    samples = generator.standard_normal(
        n_fft + (n_frames - 1) * hop_length + hop_length // 2
    ).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), n_fft)[
        ::hop_length
    ]
    expected = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    np.testing.assert_allclose(
        spectrum(samples, window, hop_length), expected, atol=2e-6 * expected.max()
    )


def test_sine_has_its_energy_in_its_own_bin() -> None:
    n = np.arange(1024)
    energy = spectrum(np.cos(2 * np.pi * 37 * n / 1024).astype(np.float32), np.ones(1024), 512)[0]
    assert energy.argmax() == 37
    assert energy[37] == pytest.approx(512.0**2, rel=1e-5)
