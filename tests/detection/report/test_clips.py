"""The part of a clip that is shown, and its peak in words."""

import numpy as np
import pytest

from stethoscope.detection.report.clips import SECONDS, Excerpt, _excerpt, _peak

STEP = 0.05  # seconds per frame


def test_short_clip_is_shown_whole() -> None:
    assert _excerpt(np.ones((60, 4)), STEP) == Excerpt(0, 60, 0.0, pytest.approx(2.95), whole=True)


def test_excerpt_of_a_long_clip_contains_its_strongest_part() -> None:
    ratio = np.ones((600, 4))
    ratio[430:460] = 9.0
    excerpt = _excerpt(ratio, STEP)
    assert excerpt.first <= 430 < 460 <= excerpt.last
    assert excerpt.end - excerpt.start == pytest.approx(SECONDS)
    assert not excerpt.whole


def test_peak_has_time_and_frequency() -> None:
    ratio = np.ones((200, 21))
    ratio[93:108, 8:13] = 7.0
    centres = 100.0 * np.arange(1, 22)
    excerpt = Excerpt(400, 600, 20.0, 30.0, whole=False)
    assert _peak(ratio, centres, excerpt, STEP) == "Strongest around 25.0 s, near 1.1 kHz."
    ratio[:, 8:13] = 7.0
    assert _peak(ratio, centres, excerpt, STEP) == "Strongest throughout, near 1.1 kHz."
    assert _peak(np.full((200, 21), 0.9), centres, excerpt, STEP) == (
        "The score exceeds the threshold so slightly that no place stands out."
    )
    assert _peak(np.zeros((200, 21)), centres, excerpt, STEP) == (
        "The score does not exceed the threshold, so nothing is marked."
    )
