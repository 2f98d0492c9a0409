import numpy as np
import pytest

from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.pooled.first_version import FirstPooling


def test_pooled_views_equal_those_computed_by_hand() -> None:
    """Two segments of two frames, two bands; the quietest quarter is one frame."""
    frames = np.array([[1.0, 8.0], [3.0, 4.0], [7.0, 0.0], [5.0, 2.0], [9.0, 9.0]])
    views = FirstPooling(segment_seconds=1.0, quiet_share=0.2, event_order=0.5)(frames, rate=2.0)
    np.testing.assert_allclose(
        views["steady"], [[0.5, -0.5]]
    )  # the lowest of each band, 1 and 0, without their mean
    np.testing.assert_allclose(
        views["mean"], [[2.0, 6.0], [6.0, 1.0]]
    )  # the fifth frame fills no segment
    np.testing.assert_allclose(
        views["events"], [[(3 + 0.5) / 1.5, (8 + 2) / 1.5], [(7 + 2.5) / 1.5, (2 + 0) / 1.5]]
    )


def test_event_orders_1_and_0_give_mean_and_maximum() -> None:
    frames = np.random.default_rng(0).normal(size=(20, 3))
    np.testing.assert_allclose(
        FirstPooling(event_order=1.0)(frames, 5.0)["events"], FirstPooling()(frames, 5.0)["mean"]
    )
    np.testing.assert_allclose(
        FirstPooling(event_order=0.0)(frames, 5.0)["events"], frames.reshape(4, 5, 3).max(axis=1)
    )


@pytest.mark.parametrize("rate", [31.25, 86.13])
@pytest.mark.parametrize("hz", [1.0, 2.0, 8.0])
def test_a_rhythm_is_highest_at_its_frequency_for_any_frame_rate(hz: float, rate: float) -> None:
    time = np.arange(round(10 * rate)) / rate
    frames = np.random.default_rng(0).normal(size=(len(time), 8))
    frames[:, 6] += 5 * np.sin(2 * np.pi * hz * time)
    lower, upper = np.split(FirstPooling()(frames, rate)["rhythm"][0], 2)
    assert upper.argmax() == round(6 * np.log2(hz / 0.5))  # sixths of an octave above 0.5 Hz
    assert upper.max() > lower.max() + 2


def test_rhythm_does_not_depend_on_level_and_silence_has_none() -> None:
    frames = np.random.default_rng(0).normal(size=(100, 8))
    np.testing.assert_allclose(
        FirstPooling()(frames - 40, 31.25)["rhythm"],
        FirstPooling()(frames, 31.25)["rhythm"],
        atol=1e-6,
    )
    np.testing.assert_allclose(
        FirstPooling()(np.full((100, 8), -156.5, dtype=np.float32), 31.25)["rhythm"], 0.0, atol=1e-9
    )


@pytest.mark.parametrize("n_frames", [4, 5, 31])
def test_a_clip_shorter_than_a_second_is_one_segment(n_frames: int) -> None:
    views = FirstPooling()(np.random.default_rng(0).normal(size=(n_frames, 3)), 31.25)
    assert {view: len(segments) for view, segments in views.items()} == {
        "steady": 1,
        "mean": 1,
        "events": 1,
        "rhythm": 1,
    }
    assert all(np.isfinite(segments).all() for segments in views.values())


def test_one_high_view_outvotes_the_others() -> None:
    z = np.array([[0.0, 0.0], [0.0, 900.0]])
    combined = FirstPooling().combine(z, np.array([0.75, 0.25]))
    np.testing.assert_allclose(combined, [0.0, 900 + np.log(0.25)])


def test_the_lower_quartile_over_the_segments_counts() -> None:
    gaussians = Gaussians(np.zeros((1, 2)), np.eye(2))
    segments = np.array([[3.0, 0.0], [0.0, 1.0], [2.0, 0.0], [5.0, 0.0], [4.0, 0.0]])
    for view in FirstPooling.views:
        assert FirstPooling().log_distance(view, segments, gaussians, 0) == pytest.approx(
            np.log(4.0)
        )
