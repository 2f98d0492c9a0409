from pathlib import Path

import numpy as np

from stethoscope.detection.autoencoder.windows import WindowBatches, given_frames, window_starts
from stethoscope.detection.options import FitOptions
from stethoscope.features.store import FeatureStore


def given(windows: WindowBatches) -> np.ndarray:
    """Return the input of the network in an epoch [shape=(n_windows, n_values)]."""
    return np.concatenate([batches.reshape(-1, batches.shape[-1]) for batches, _ in windows])


def n_batches(windows: WindowBatches) -> int:
    """Return the number of batches in an epoch."""
    return sum(len(batches) for batches, _ in windows)


def test_an_epoch_has_every_window_of_every_clip_once(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    clips = np.array([3, 7, 1])
    starts = window_starts(store, clips, 5)
    expected = {
        int(store.first_frame[clip]) + t
        for clip in clips
        for t in range(int(store.n_frames[clip]) - 4)
    }
    assert set(starts.tolist()) == expected
    windows = WindowBatches(store, clips, 5, FitOptions(batch_size=16, verbose=0), training=True)
    first = given(windows)
    second = given(windows)
    stacked = np.stack([store.frames[start : start + 5].ravel() for start in sorted(expected)])
    assert len(first) == len(expected)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(stacked, axis=0))
    np.testing.assert_array_equal(np.sort(second, axis=0), np.sort(stacked, axis=0))
    assert not np.array_equal(first, second)


def test_an_epoch_can_have_a_share_of_the_windows(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    clips = np.arange(4)
    total = len(window_starts(store, clips, 5))
    for shuffle in (True, False):
        windows = WindowBatches(
            store,
            clips,
            5,
            FitOptions(batch_size=8, shuffle=shuffle, epoch_share=0.25, verbose=0),
            training=True,
        )
        assert len(given(windows)) == round(total / 4)


def test_a_predicted_frame_is_not_given(two_types: Path) -> None:
    store = FeatureStore.open(two_types)
    windows = WindowBatches(
        store,
        np.array([3]),
        5,
        FitOptions(batch_size=4, shuffle=False, verbose=0),
        training=True,
        predicted=(2,),
    )
    frames = np.array(store.clip_frames(3))
    given, wanted = (batches[0] for batches in next(iter(windows)))
    np.testing.assert_array_equal(
        given[1], np.concatenate([frames[1], frames[2], frames[4], frames[5]])
    )
    np.testing.assert_array_equal(wanted[1], frames[3])
    assert given_frames(5, range(5)) == [0, 1, 2, 3, 4]


def test_without_shuffling_windows_come_in_order(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    windows = WindowBatches(
        store, np.array([0]), 5, FitOptions(batch_size=4, shuffle=False, verbose=0), training=True
    )
    np.testing.assert_array_equal(given(windows)[1].reshape(5, 32), store.frames[1:6])


def test_batches_of_a_share_shrink_where_steps_would_be_too_few(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    clips = store.where(lambda clip: clip.split == "train")
    whole, part = (
        FitOptions(epochs=6, batch_size=64, epoch_share=share, verbose=0) for share in (1.0, 0.25)
    )
    n_whole, n_part = (
        n_batches(WindowBatches(store, clips, 5, fit, training=True)) for fit in (whole, part)
    )
    assert n_part == n_whole


def test_batches_of_a_share_keep_their_size_where_steps_are_enough(fan_store: Path) -> None:
    store = FeatureStore.open(fan_store)
    fit = FitOptions(epochs=20_000, batch_size=64, epoch_share=0.25, verbose=0)
    batches = WindowBatches(store, np.arange(16), 5, fit, training=True)
    assert n_batches(batches) == -(-len(given(batches)) // 64)
