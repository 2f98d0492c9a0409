import numpy as np
import pytest
import soxr

from stethoscope.sound.audio import WAV, Decoded
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.measurement import SILENCE_DB, Measurement, measure

RATE = 16_000
SINE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(10 * RATE) / RATE)).astype(np.float32)


def noise(seconds: float = 10.0, seed: int = 0) -> np.ndarray:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (0.1 * samples).astype(np.float32)


def test_a_sine_has_the_level_and_peak_of_the_formula() -> None:
    found = measure(SINE, RATE)
    assert found.seconds == 10.0
    assert found.level == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
    assert found.peak == pytest.approx(0.5, abs=1e-3)
    assert found.offset == pytest.approx(0.0, abs=1e-3)
    assert found.floor == pytest.approx(0.0, abs=0.5)
    assert found.gaps == 0.0


def test_gain_moves_the_level_alone() -> None:
    one, other = measure(noise(), RATE), measure(noise() / 4, RATE)
    assert one.level - other.level == pytest.approx(20 * np.log10(4), abs=1e-4)
    assert (one.floor, one.offset) == pytest.approx((other.floor, other.offset), abs=1e-4)
    assert (one.clipped, one.gaps) == (other.clipped, other.gaps) == (0.0, 0.0)


def test_a_constant_part_counts_relative_to_the_sound_and_not_in_the_level() -> None:
    shifted = measure(noise() + np.float32(0.3), RATE)
    assert shifted.offset == pytest.approx(3.0, rel=0.02)
    assert shifted.level == pytest.approx(measure(noise(), RATE).level, abs=0.01)


def test_a_quiet_sound_on_a_large_constant_part_is_measured_in_all_digits() -> None:
    found = measure(np.float32(1e-5) * noise() + np.float32(1.0), RATE)
    # 1e-6 is 17 steps of float32 near 1, whose rounding adds little.
    assert found.level == pytest.approx(-120.0, abs=0.1)
    assert found.floor == pytest.approx(measure(noise(), RATE).floor, abs=0.1)
    assert found.gaps == 0.0


@pytest.mark.parametrize("limit", [0.05, 0.1, 0.2])
def test_the_clipped_fraction_is_that_of_the_normal_distribution(limit: float) -> None:
    beyond = np.count_nonzero(np.abs(noise()) > limit) / (10 * RATE)
    found = measure(np.clip(noise(), -limit, limit), RATE)
    assert found.clipped == pytest.approx(beyond, abs=0.002)


@pytest.mark.parametrize("to_rate", [RATE, 44_100])
def test_gaps_are_the_fraction_without_sound_also_after_resampling(to_rate: int) -> None:
    samples = noise()
    samples[RATE : 3 * RATE] = 0.0
    resampled = soxr.resample(samples, RATE, to_rate, quality="HQ").astype(np.float32)
    assert measure(resampled, to_rate).gaps == pytest.approx(0.2, abs=0.01)


def test_the_floor_is_the_level_of_the_quietest_tenth() -> None:
    samples = noise()
    samples[: 2 * RATE] *= np.float32(0.01)
    rest = np.sqrt(np.mean(samples.astype(float) ** 2))
    assert measure(samples, RATE).floor == pytest.approx(20 * np.log10(0.001 / rest), abs=1.0)


def test_silence_and_constants_have_no_level_and_nothing_else() -> None:
    for value in (0.0, 0.25):
        found = measure(np.full(RATE, value, dtype=np.float32), RATE)
        assert (found.level, found.gaps) == (SILENCE_DB, 1.0)
        assert (found.clipped, found.offset, found.floor) == (0.0, 0.0, 0.0)
        assert found.peak == value


@pytest.mark.parametrize("scale", [1e-30, 1e30, 3e38])
def test_extreme_samples_are_measured_without_overflow(scale: float) -> None:
    with np.errstate(over="raise", invalid="raise"):
        found = measure((SINE * np.float32(scale)).astype(np.float32), RATE)
    assert np.isfinite(found.to_row()).all()


@pytest.mark.parametrize("count", [1, 2, 159, 161])
def test_any_length_is_measured(count: int) -> None:
    assert np.isfinite(measure(noise()[:count], RATE).to_row()).all()


def test_bands_are_relative_to_their_median_and_survive_a_table() -> None:
    frames = LogMel(sample_rate=RATE).extract(noise())
    decoded = Decoded(noise()[np.newaxis], RATE, WAV, "MS_ADPCM", missing_seconds=2.0)
    found = measure(noise(), RATE, decoded).with_bands(frames)
    assert len(found.bands) == 20
    assert np.median(found.bands) == pytest.approx(0.0, abs=1e-4)
    by_hand = [group.mean() for group in np.array_split(frames.mean(axis=0), 20)]
    np.testing.assert_allclose(np.diff(found.bands), np.diff(by_hand), atol=1e-4)
    assert (found.lossy, found.missing_seconds) == (1.0, 2.0)
    assert Measurement.from_row(found.to_row()) == found
