"""The default detector, rounded for a microcontroller."""

import numpy as np
import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.detection.pooled.score import PooledScorer
from stethoscope.edge.pooled import EdgePooledScorer, Factor, Levels, lowest_level
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel


@pytest.mark.parametrize(
    "feature",
    [LogMel(sample_rate=16000), LogMel(sample_rate=8000, power=1.0, n_fft=512, n_mels=40)],
)
def test_levels_reach_from_rounding_noise_to_a_sine_wave_of_full_scale(feature: LogMel) -> None:
    lowest = lowest_level(feature)
    time = np.arange(8000)
    bands = np.array(
        [
            feature.extract(np.sin(2 * np.pi * k / feature.n_fft * time).astype("f4")).max()
            for k in range(2, feature.n_fft // 2, 3)
        ]
    )
    highest = lowest + 255 * 0.5
    assert highest - 1.5 <= bands.max() <= highest + 0.25
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8000).astype(np.float32) / 32768
    if feature.power == 2.0:
        assert np.median(feature.extract(noise)) > lowest


def test_levels_are_the_nearest_steps() -> None:
    frames = np.array([[-100.0, -92.0, -91.7, 0.0, 35.5, 60.0]], dtype=np.float32)
    assert Levels(-92.0).steps(frames).tolist() == [[0, 0, 1, 184, 255, 255]]
    assert Levels(-92.0).rounded(frames).tolist() == [[-92.0, -92.0, -91.5, 0.0, 35.5, 35.5]]


def test_factor_in_8_bits_keeps_distances() -> None:
    rng = np.random.default_rng(0)
    scales = rng.uniform(0.1, 30, 40)
    values = (rng.standard_normal((200, 40)) @ rng.standard_normal((40, 40))) * scales
    precision = np.linalg.inv(np.cov(values.T) + np.diag(0.1 * scales**2))
    factor = Factor.of(precision)
    exact = np.einsum("ij,jk,ik->i", values, precision, values)
    rounded = np.einsum("ij,jk,ik->i", values, factor.precision(), values)
    assert np.abs(rounded / exact - 1).max() < 0.1
    assert len(factor.columns) == 40 * 41 // 2
    assert np.abs(factor.weights).max() == 127


def test_rounded_detector_scores_as_the_full_one_and_by_blocks(
    pooled_bundle: Bundle, fan_store: object
) -> None:
    full = pooled_bundle.detector
    assert isinstance(full, PooledScorer)
    rounded = EdgePooledScorer(full)
    store = FeatureStore.open(str(fan_store))
    frames = [np.array(store.clip_frames(place)) for place in range(len(store.clips))]
    pairs = [
        (full.score(one, clip.machine), rounded.score(one, clip.machine))
        for one, clip in zip(frames, store.clips, strict=True)
    ]
    assert np.abs(np.diff(pairs)).max() < 0.2
    assert np.corrcoef(np.transpose(pairs))[0, 1] > 0.999
    machine = store.clips[0].machine
    length = rounded.block_frames("fan")
    long = np.concatenate([frames[0][:length], frames[1][:length], frames[2][: length // 2]])
    mean = np.mean([rounded.score(one[:length], machine) for one in frames[:2]])
    assert rounded.score(long, machine) == pytest.approx(mean)
