import numpy as np
import pytest

from stethoscope.detection.identity.score import overlapping_windows


@pytest.mark.parametrize(
    ("n_frames", "expected"), [(4, [0]), (5, [0, 1]), (8, [0, 2, 4]), (9, [0, 2, 3, 5])]
)
def test_windows_cover_the_clip_and_overlap_by_half(n_frames: int, expected: list[int]) -> None:
    frames = np.arange(n_frames, dtype=np.float32)[:, np.newaxis]
    cut = overlapping_windows(frames, 4)
    assert cut[:, 0, 0].tolist() == expected
    assert set(cut.ravel()) == set(range(n_frames))


def test_a_short_clip_is_repeated() -> None:
    frames = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    np.testing.assert_array_equal(
        overlapping_windows(frames, 5), [[[1, 2], [3, 4], [1, 2], [3, 4], [1, 2]]]
    )
