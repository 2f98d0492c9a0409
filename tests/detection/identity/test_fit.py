from pathlib import Path

import numpy as np

from stethoscope.detection.identity.fit import band_statistics
from stethoscope.features.store import FeatureStore


def test_band_statistics_are_those_of_all_frames(two_types: Path) -> None:
    store = FeatureStore.open(two_types)
    clips = np.array([0, 3, 8])
    frames = np.concatenate([store.clip_frames(clip) for clip in clips]).astype(float)
    mean, variance = band_statistics(store, clips)
    np.testing.assert_allclose(mean, frames.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(variance, frames.var(axis=0), rtol=1e-5)
