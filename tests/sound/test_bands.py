import numpy as np
import pytest
from scipy.signal import get_window

from stethoscope.bundle.golden import golden_sound
from stethoscope.errors import ModelError, ParameterError
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.feature import feature_from_json


def test_frames_equal_the_definition_computed_by_scipy() -> None:
    feature = BandSpectrum()
    samples = golden_sound(16000, 0.5)
    frames = feature.extract(samples)
    assert frames.shape == (61, 48)
    assert frames.dtype == np.float32
    for index in (0, 17, 60):
        pcm = 32768.0 * samples[128 * index : 128 * index + 256].astype(np.float64)
        spectrum = np.fft.fft((pcm - pcm.mean()) * get_window("hamming", 256, fftbins=False))
        assert frames[index] == pytest.approx(np.log(1 + np.abs(spectrum[:48])), abs=1e-6)


def test_constant_offset_does_not_change_the_frames() -> None:
    samples = golden_sound(16000, 0.1)
    feature = BandSpectrum()
    assert feature.extract(samples + np.float32(0.25)) == pytest.approx(
        feature.extract(samples), abs=0.02
    )


@pytest.mark.parametrize(
    ("n_samples", "n_frames"), [(0, 0), (255, 0), (256, 1), (383, 1), (384, 2)]
)
def test_only_whole_frames_count(n_samples: int, n_frames: int) -> None:
    feature = BandSpectrum()
    assert (
        feature.n_frames(n_samples)
        == n_frames
        == len(feature.extract(np.zeros(n_samples, dtype=np.float32)))
    )


@pytest.mark.parametrize(
    "wrong", [{"n_fft": 250}, {"n_bands": 130}, {"hop_length": 300}, {"sample_rate": -1}]
)
def test_impossible_values_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        BandSpectrum(**wrong)


def test_definition_is_rebuilt_from_json() -> None:
    feature = BandSpectrum(n_bands=20, hop_length=64)
    assert feature_from_json(feature.to_json()) == feature
    with pytest.raises(ModelError, match="'wavelet'"):
        feature_from_json({"kind": "wavelet"})
