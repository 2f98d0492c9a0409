import numpy as np
import pytest

from stethoscope.events.mixing import level_gain, mix


def test_background_is_made_as_loud_as_the_sound() -> None:
    rng = np.random.default_rng(0)
    frames, background = (
        np.log1p(scale * np.abs(rng.standard_normal((3, 32, 24)))).astype(np.float32)
        for scale in (200.0, 50.0)
    )
    gain = level_gain(frames, background)
    assert gain.shape == (3, 1, 1)
    added = np.expm1(mix(frames, background, gain)) - np.expm1(frames)
    levels = [np.sqrt(np.mean(one**2, axis=(1, 2))) for one in (added, np.expm1(frames))]
    assert levels[0] == pytest.approx(levels[1], rel=1e-3)


def test_nearly_silent_background_is_amplified_by_twenty_decibels_at_most() -> None:
    frames = np.full((1, 4, 4), 5.0, dtype=np.float32)
    assert level_gain(frames, np.full_like(frames, 1e-4)).item() == 10.0
