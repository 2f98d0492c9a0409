"""Fitted detectors for the tests of pooled-gmm."""

import numpy as np

from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.pooled.score import PooledScorer
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel


def fitted(store: FeatureStore) -> PooledGmm:
    """Return the detector, fitted to the training clips."""
    return PooledGmm().fit(store, training_clips(store), np.arange(0))


def training_clips(store: FeatureStore) -> np.ndarray:
    """Return the indices of the training clips."""
    return store.where(lambda clip: clip.split == "train")


def scorer_of(detector: PooledGmm) -> PooledScorer:
    """Return the scorer of a fitted detector."""
    return PooledScorer(detector.models_, detector.pooling, LogMel(sample_rate=16_000, n_mels=12))
