import numpy as np
import pytest
import scipy.signal

from stethoscope.sound import resampling
from stethoscope.sound.resampling import resample

RATES = [(44_100, 16_000), (48_000, 16_000), (22_050, 16_000), (8_000, 16_000), (44_099, 16_000)]


def sine(rate: int, seconds: float, frequency: float) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate).astype("f4")


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES)
@pytest.mark.parametrize("seconds", [0.7, 45.3])
def test_sine_below_half_the_lower_rate_keeps_its_samples(
    from_rate: int, to_rate: int, seconds: float
) -> None:
    """Also at 97 % of it, and across the blocks of a long recording."""
    frequency = 0.485 * min(from_rate, to_rate)
    found = resample(sine(from_rate, seconds, frequency), from_rate, to_rate, method="full_band")
    expected = sine(to_rate, seconds, frequency)
    assert len(found) == pytest.approx(seconds * to_rate, abs=1)
    inner = slice(to_rate // 5, -to_rate // 5)
    size = min(len(found), len(expected))
    error = (found[:size] - expected[:size])[inner]
    assert np.sqrt(np.mean(error**2)) < 2e-3
    weakened = resample(sine(from_rate, 0.7, frequency), from_rate, to_rate)[inner]
    assert np.sqrt(np.mean(weakened**2)) < 0.5  # soxr, which is why this exists; a sine has .71


def test_sine_above_half_the_new_rate_vanishes() -> None:
    found = resample(sine(48_000, 3.0, 8_200.0), 48_000, 16_000, method="full_band")
    assert np.abs(found[3200:-3200]).max() < 2e-3


def test_noise_is_as_from_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its resampling by the transform of the whole signal, as if it were periodic."""
    noise = np.random.default_rng(0).standard_normal(44_100 * 4).astype("f4")
    expected = scipy.signal.resample(noise.astype(float), 64_000)
    for block_seconds in (20.0, 0.5):
        monkeypatch.setattr(resampling, "BLOCK_SECONDS", block_seconds)
        found = resample(noise, 44_100, 16_000, method="full_band")
        difference = (found - expected)[4000:-4000]
        assert np.sqrt(np.mean(difference**2)) < 0.02 * np.sqrt(np.mean(expected**2))


@pytest.mark.parametrize("length", [0, 1, 7, 441, 44_100])
def test_any_length_is_resampled(length: int) -> None:
    found = resample(np.ones(length, "f4"), 44_100, 16_000, method="full_band")
    assert found.dtype == np.float32
    assert len(found) == round(length * 160 / 441)
    assert np.isfinite(found).all()


def test_features_of_earlier_versions_are_computed_by_soxr() -> None:
    from stethoscope.sound.feature import at_feature_rate, feature_from_json
    from stethoscope.sound.logmel import LogMel
    from stethoscope.sound.planes import Planes

    noise = np.random.default_rng(0).standard_normal((1, 44_100)).astype("f4")
    for feature in (LogMel(sample_rate=16_000), Planes(of=LogMel(sample_rate=16_000))):
        value = feature.to_json()
        assert feature_from_json(value) == feature
        inner = value.get("of", value)
        assert inner.pop("resampling") == "full_band"
        earlier = feature_from_json(value)
        np.testing.assert_array_equal(
            np.squeeze(at_feature_rate(noise, 44_100, earlier)), resample(noise[0], 44_100, 16_000)
        )
        assert feature_from_json(earlier.to_json()) == earlier
