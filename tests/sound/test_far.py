import numpy as np
import pytest

from stethoscope.options import OptionError
from stethoscope.sound.far import background_gain, background_ratio
from stethoscope.sound.logmel import LogMel


def powers(leakage: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the power of a machine, and what both microphones receive of it and of a swell."""
    rng = np.random.default_rng(0)
    machine = rng.gamma(20, 1 / 20, (6, 400))
    swell = np.exp(np.interp(np.arange(400), np.arange(0, 401, 40), rng.normal(0, 1, 11)))
    noise = swell * rng.gamma(20, 1 / 20, (6, 400))
    ratio = np.array([[0.2], [0.5], [1.0], [2.0], [4.0], [8.0]])
    return machine, machine + ratio * noise, noise + leakage * machine


def test_the_ratio_of_the_background_is_found_below_a_steady_machine() -> None:
    _, near, far = powers()
    np.testing.assert_allclose(
        background_ratio(near, far).ravel(), [0.2, 0.5, 1, 2, 4, 8], rtol=0.25
    )


@pytest.mark.parametrize("leakage", [0.0, 0.06])
def test_the_gain_leaves_what_the_machine_has_of_the_power(leakage: float) -> None:
    machine, near, far = powers(leakage)
    gain = background_gain(near, far, 31)
    assert (gain >= 0.1).all()
    assert (gain <= 1.0).all()
    left = (gain * near).mean(axis=1) / machine.mean(axis=1)
    assert (np.abs(10 * np.log10(left[:4])) < 1.5).all()
    assert (near.mean(axis=1) / machine.mean(axis=1))[3] > 3  # 5 dB of background in that band


def test_a_silent_far_channel_changes_nothing() -> None:
    _, near, far = powers()
    np.testing.assert_allclose(background_gain(near, 0 * far, 31), 1.0)
    single = background_gain(near[:, :1], far[:, :1], 31)
    assert np.isfinite(single).all()


def test_the_log_mel_spectrogram_is_that_of_the_near_channel_times_the_gain() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 16_000) * np.repeat([1, 3, 0.3, 2], 4000)
    machine = rng.normal(0, 0.1, 16_000)
    both = np.stack([machine + noise, noise]).astype(np.float32)
    plain, far = LogMel(sample_rate=16_000), LogMel(sample_rate=16_000, far_channel=1)
    near_power, far_power = (10 ** (plain.extract(one).T / 10) for one in both)
    expected = near_power * background_gain(near_power, far_power, 31)
    np.testing.assert_allclose(far.extract(both), 10 * np.log10(expected).T, atol=1e-2)


def test_the_far_channel_is_another_one() -> None:
    with pytest.raises(OptionError, match="far_channel is 0, as channel; name another one"):
        LogMel(far_channel=0)
