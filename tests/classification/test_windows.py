"""Random windows of clips."""

import numpy as np

from stethoscope.classification.windows import draw_window, mask


def drawn(rng: np.random.Generator, *, shift: float = 0.0, masked: float = 0.0) -> np.ndarray:
    frames = np.tile(np.arange(20, dtype=np.float32)[:, np.newaxis], (1, 4))
    fill = np.full(4, -7.0, dtype=np.float32)
    return draw_window(frames, 8, shift=shift, masked=masked, fill=fill, planes=1, rng=rng)


def test_a_window_is_one_of_those_that_cover_the_clip() -> None:
    rng = np.random.default_rng(0)
    starts = set()
    for _ in range(50):
        window = drawn(rng)
        np.testing.assert_array_equal(np.diff(window, axis=0), 1)
        starts.add(int(window[0, 0]))
    assert starts == {0, 6, 12}


def test_a_shift_moves_the_clip_circularly() -> None:
    rng = np.random.default_rng(0)
    windows = [drawn(rng, shift=1.0) for _ in range(50)]
    steps = {int(step) for window in windows for step in np.diff(window[:, 0])}
    assert steps == {1, -19}


def test_masks_fill_two_ranges_of_time_and_two_of_bands_at_most() -> None:
    rng, fill = np.random.default_rng(0), np.full(40, -7.0, dtype=np.float32)
    for _ in range(50):
        frames = np.zeros((100, 40), dtype=np.float32)
        mask(frames, 0.1, fill, rng)
        assert set(np.unique(frames)) <= {0.0, -7.0}
        assert (frames == -7.0).all(axis=1).sum() <= 20
        assert (frames == -7.0).all(axis=0).sum() <= 8


def test_the_same_bands_of_all_channels_are_masked() -> None:
    frames = np.zeros((100, 80), dtype=np.float32)
    fill = np.concatenate([np.full(40, -7.0), np.full(40, -9.0)]).astype(np.float32)
    mask(frames, 0.2, fill, np.random.default_rng(0), planes=2)
    first, second = frames[:, :40], frames[:, 40:]
    assert (first == -7.0).any()
    np.testing.assert_array_equal(first == -7.0, second == -9.0)
