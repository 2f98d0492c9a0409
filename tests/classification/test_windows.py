"""Random windows of clips."""

import numpy as np

from stethoscope.classification.windows import draw_positions, draw_window, mask


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


def test_shifts_reach_every_place_up_to_their_fraction_and_no_further() -> None:
    """Of clips of two lengths at once, each covered by a single window."""
    rng = np.random.default_rng(0)
    n_frames = np.tile([20, 10], 300)
    starts = draw_positions(n_frames, 20, 0.5, rng)[:, 0]
    shifts = (-starts) % n_frames
    assert set(shifts[::2]) == set(range(10))
    assert set(shifts[1::2]) == set(range(5))


def test_masks_fill_two_ranges_of_time_and_two_of_bands_at_most() -> None:
    rng, fill = np.random.default_rng(0), np.full(40, -7.0, dtype=np.float32)
    windows = np.zeros((50, 100, 40), dtype=np.float32)
    mask(windows, 0.1, fill, rng)
    assert set(np.unique(windows)) == {0.0, -7.0}
    frames = (windows == -7.0).all(axis=2).sum(axis=1)
    bands = (windows == -7.0).all(axis=1).sum(axis=1)
    assert frames.max() <= 20
    assert bands.max() <= 8
    assert len(set(frames)) > 5, "each window has masks of its own"
    assert len(set(bands)) > 3, "each window has masks of its own"


def test_the_same_bands_of_all_channels_are_masked() -> None:
    windows = np.zeros((4, 100, 80), dtype=np.float32)
    fill = np.concatenate([np.full(40, -7.0), np.full(40, -9.0)]).astype(np.float32)
    mask(windows, 0.2, fill, np.random.default_rng(0), planes=2)
    first, second = windows[:, :, :40], windows[:, :, 40:]
    assert (first == -7.0).any()
    np.testing.assert_array_equal(first == -7.0, second == -9.0)
