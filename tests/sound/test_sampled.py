import numpy as np

from stethoscope.sound.feature import feature_from_json
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.sampled import SampledLogMel


def test_frames_hold_the_bands_and_the_samples_in_their_order() -> None:
    log_mel = LogMel(sample_rate=16_000, n_mels=20)
    feature = SampledLogMel.of(log_mel)
    samples = np.random.default_rng(0).normal(0, 0.1, 5000).astype(np.float32)
    frames = feature.extract(samples)
    assert frames.shape == (feature.n_frames(5000), feature.size) == (10, 20 + 512)
    np.testing.assert_array_equal(frames[:, :20], log_mel.extract(samples))
    flat = frames[:, 20:].ravel()
    np.testing.assert_array_equal(flat[:5000], samples)
    assert not flat[5000:].any()
    assert feature.log_mel == log_mel
    assert feature_from_json(feature.to_json()) == feature
