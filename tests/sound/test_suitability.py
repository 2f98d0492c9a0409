import json
from dataclasses import replace

import numpy as np
import pytest

from stethoscope.errors import ModelError
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.measurement import Measurement, measure
from stethoscope.sound.suitability import (
    SoundProfile,
    find_useless,
    profiles_from_json,
    profiles_of,
)

RATE = 16_000


def noise(seconds: float = 10.0, seed: int = 0) -> np.ndarray:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (0.1 * samples).astype(np.float32)


def measured(samples: np.ndarray) -> Measurement:
    return measure(samples, RATE).with_bands(LogMel(sample_rate=RATE).extract(samples))


@pytest.fixture(scope="module")
def profile() -> SoundProfile:
    """Of 20 clips of noise, whose level varies by 4 dB."""
    gains = np.linspace(1.0, 1.6, 20, dtype=np.float32)
    return SoundProfile.of([measured(gain * noise(seed=seed)) for seed, gain in enumerate(gains)])


def mostly_empty() -> np.ndarray:
    samples = noise()
    samples[RATE:] = 0.0
    return samples


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(RATE, dtype=np.float32), "silent"),
        (np.full(RATE, 0.1, dtype=np.float32), "constant"),
        (np.full(RATE, -1.0, dtype=np.float32), "constant"),
        (np.sign(noise()), "clipped"),
        (np.clip(noise(), -0.03, 0.03), "clipped"),
        (noise() * np.float32(1e-5), "nearly_empty"),
        (mostly_empty(), "nearly_empty"),
        (noise() * np.float32(1e30), "too_large"),
    ],
)
def test_useless_recordings_are_refused_with_their_reason(samples: np.ndarray, reason: str) -> None:
    found = find_useless(measure(samples, RATE))
    assert found is not None
    assert (found.reason, found.refuses) == (reason, True)


def test_useful_recordings_are_not_called_useless() -> None:
    tone = (0.9 * np.sin(np.arange(RATE) / 5)).astype(np.float32)
    for samples in (noise(), noise(0.2), tone, np.clip(noise(), -0.1, 0.1), 1e4 * noise()):
        assert find_useless(measure(samples.astype(np.float32), RATE)) is None
    assert find_useless(measure(mostly_empty(), RATE), padded=True) is None


def test_recordings_like_those_of_the_training_are_not_remarked_on(profile: SoundProfile) -> None:
    for seed in range(100, 120):
        assert profile.compare(measured(noise(seed=seed) * np.float32(1.3))) == []


def with_gap(seconds: float) -> np.ndarray:
    samples = noise()
    samples[: round(seconds * RATE)] = 0.0
    return samples


def without_band(from_hz: float, decibels: float) -> np.ndarray:
    spectrum = np.fft.rfft(noise())
    cut = np.fft.rfftfreq(10 * RATE, 1 / RATE) > from_hz
    spectrum[cut] *= 10 ** (-decibels / 20)
    return np.fft.irfft(spectrum).astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "reason", "refuses"),
    [
        (noise(5.0), "short", False),
        (noise(25.0), "long", False),
        (noise() * np.float32(0.25), "quiet", False),
        (noise() * np.float32(5), "loud", False),
        (np.clip(noise(), -0.2, 0.2), "clipped", False),
        (np.clip(noise(), -0.12, 0.12), "clipped", True),
        (with_gap(0.1), "dropouts", False),
        (with_gap(0.5), "dropouts", True),
        (noise() + np.float32(0.08), "offset", False),
        (noise() + np.float32(2.0), "offset", True),
        (without_band(7_000, 9), "missing_band", False),
        (without_band(7_000, 40), "missing_band", True),
        (without_band(4_000, 120), "missing_band", True),
    ],
)
def test_recordings_unlike_those_of_the_training_are_warned_about_or_refused(
    profile: SoundProfile, samples: np.ndarray, reason: str, refuses: bool
) -> None:
    found = profile.compare(measured(samples))
    assert (found[0].reason, found[0].refuses) == (reason, refuses)
    assert json.dumps(found[0].to_json())


def test_noise_suppression_is_noticed_by_its_quiet_moments(profile: SoundProfile) -> None:
    samples = noise()
    samples[: 2 * RATE] *= np.float32(0.01)
    assert [one.reason for one in profile.compare(measured(samples))] == ["other_floor"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sample_rate": 44_100.0}, "other_rate"),
        ({"lossy": 1.0}, "lossy"),
        ({"missing_seconds": 3.0}, "cut_off"),
    ],
)
def test_recordings_of_another_kind_are_warned_about(
    profile: SoundProfile, change: dict[str, float], reason: str
) -> None:
    (found,) = profile.compare(replace(measured(noise()), **change))
    assert (found.reason, found.refuses) == (reason, False)


def test_what_the_training_recordings_had_too_is_not_remarked_on() -> None:
    for samples, change in (
        (with_gap(0.5), {}),
        (np.clip(noise(), -0.12, 0.12), {}),
        (noise() + np.float32(2.0), {}),
        (noise(), {"lossy": 1.0, "sample_rate": 8_000.0}),
    ):
        one = replace(measured(samples), **change)
        assert SoundProfile.of([one] * 5).compare(one) == []


def test_lossless_recordings_are_unlike_a_training_on_lossy_ones() -> None:
    one = measured(noise())
    (found,) = SoundProfile.of([replace(one, lossy=1.0)] * 5).compare(one)
    assert found.reason == "not_lossy"


def test_profiles_survive_json_and_damaged_ones_are_named(profile: SoundProfile) -> None:
    assert SoundProfile.from_json(json.loads(json.dumps(profile.to_json()))) == profile
    value = json.loads(json.dumps(profiles_of({"fan": [measured(noise())]})))
    assert profiles_from_json(value, "bundle")["fan"].clips == 1
    for damage in (
        {"fan": {}},
        {"fan": None},
        [],
        {"fan": value["fan"] | {"bands": ["x"]}},
        {"fan": value["fan"] | {"bands": [float("nan")]}},
    ):
        with pytest.raises(ModelError, match=r"bundle: .*is damaged"):
            profiles_from_json(damage, "bundle")
