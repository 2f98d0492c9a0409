from pathlib import Path

import numpy as np

from stethoscope.detection.identity.crops import WARPS, Crops, warp
from stethoscope.features.store import FeatureStore


def test_warped_frames_equal_those_computed_by_hand() -> None:
    frames = np.arange(12, dtype=np.float32).reshape(6, 2) * 10
    np.testing.assert_array_equal(warp(frames, 3, 1.0, 0), frames[:3])
    np.testing.assert_array_equal(warp(frames, 3, 2.0, 0), frames[[0, 2, 4]])
    np.testing.assert_allclose(warp(frames, 4, 0.5, 0), [[0, 10], [10, 20], [20, 30], [30, 40]])
    np.testing.assert_array_equal(
        warp(frames, 2, 1.0, 1), [[0, 0], [20, 20]]
    )  # one band up; the lowest is repeated
    np.testing.assert_array_equal(warp(frames, 2, 1.0, -1), [[10, 10], [30, 30]])
    np.testing.assert_array_equal(
        warp(frames[:2], 4, 1.0, 0), frames[[0, 1, 0, 1]]
    )  # too short: repeated


def test_a_type_with_one_id_adds_classes_of_speed_and_pitch(two_types: Path) -> None:
    store = FeatureStore.open(two_types)
    fans = store.where(lambda clip: clip.machine_type == "fan" and clip.split == "train")
    everything = store.where(lambda clip: clip.split == "train")
    assert Crops(store, fans, 40, seed=0, mixup=False).n_classes == 2
    crops = Crops(store, everything, 40, seed=0, mixup=False)
    assert crops.n_classes == 3 * len(WARPS)
    (windows, labels), same = crops[0]
    assert windows.shape == (18, 40, 12)  # every clip is one window long
    np.testing.assert_array_equal(labels, same)
    np.testing.assert_array_equal(labels.sum(axis=1), 1)
    unchanged = labels.argmax(axis=1) % len(WARPS) == 0
    clips = [np.array(store.clip_frames(index)) for index in everything]
    assert [
        any(np.array_equal(window, clip) for clip in clips) for window in windows
    ] == unchanged.tolist()


def test_mixed_windows_have_mixed_labels(two_types: Path) -> None:
    store = FeatureStore.open(two_types)
    fans = store.where(lambda clip: clip.machine_type == "fan" and clip.split == "train")
    (windows, labels), _ = Crops(store, fans, 40, seed=0, mixup=True)[0]
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
    assert ((labels > 0).sum(axis=1) == 2).any()
    # The two fans have other mean spectra: a window lies between them as its label gives.
    means = [
        np.mean(
            [store.clip_frames(i) for i in fans if store.clips[i].machine_id == name], axis=(0, 1)
        )
        for name in ("00", "02")
    ]
    direction = means[1] - means[0]
    share = (windows.mean(axis=1) - means[0]) @ direction / (direction @ direction)
    np.testing.assert_allclose(share, labels[:, 1], atol=0.35)
