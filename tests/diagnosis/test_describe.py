"""What describes a clip when clips are grouped."""

from pathlib import Path

import numpy as np
import pytest

from stethoscope.datasets.clips import Clip
from stethoscope.diagnosis.describe import describe, principal_components
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.sound.mfcc import Mfcc


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """Two machines at two ratios: two normal clips, an altered one and an anomaly each."""
    with FeatureWriter(tmp_path) as writer:
        for machine, level in (("00", 10.0), ("01", 20.0)):
            for snr in (0.0, 6.0):
                for name, value in (("n", 1.0), ("n", 3.0), ("altered", 50.0), ("a", 7.0)):
                    clip = Clip(
                        path=f"{machine}-{snr}-{name}-{value}",
                        recording=f"{machine}-{name}-{value}",
                        machine_type="fan",
                        machine_id=machine,
                        condition="anomaly" if name == "a" else "normal",
                        snr_db=snr,
                        augmentation="noise 1" if name == "altered" else "",
                    )
                    frames = np.tile(level + snr + value * np.arange(1, 5), (6, 1))
                    writer.add(clip, frames.astype(np.float32))
        writer.finish(Mfcc(sample_rate=16_000, n_mfcc=4))
    return FeatureStore.open(tmp_path)


def test_a_deviation_is_from_the_normal_clips_of_the_machine_at_the_same_ratio(
    store: FeatureStore,
) -> None:
    anomalous = store.where(lambda clip: clip.condition == "anomaly")
    values = np.arange(1, 5)
    plain = [level + snr + 7 * values for level in (10, 20) for snr in (0, 6)]
    np.testing.assert_allclose(describe(store, anomalous, "plain"), plain, rtol=1e-6)
    np.testing.assert_allclose(
        describe(store, anomalous, "deviation"), np.tile(5.0 * values, (4, 1)), rtol=1e-6
    )


def test_flat_is_the_flattened_matrix_of_coefficients_over_time(tmp_path: Path) -> None:
    """The published example flattens 40 coefficients by 433 frames; short clips repeat."""
    rng = np.random.default_rng(0)
    clips = {n: rng.normal(size=(n, 4)).astype(np.float32) for n in (5, 6, 8)}
    with FeatureWriter(tmp_path) as writer:
        for n, frames in clips.items():
            writer.add(Clip(path=str(n), recording=str(n), condition="anomaly"), frames)
        writer.finish(Mfcc(sample_rate=16_000, n_mfcc=4))
    found = describe(FeatureStore.open(tmp_path), np.arange(3), "flat")
    assert found.shape == (3, 4 * 6)
    np.testing.assert_array_equal(found[1], clips[6].T.flatten())
    np.testing.assert_array_equal(found[2], clips[8][:6].T.flatten())
    np.testing.assert_array_equal(found[0], np.vstack([clips[5], clips[5][:1]]).T.flatten())


def test_a_machine_without_normal_clips_has_no_deviation(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path) as writer:
        clip = Clip(
            path="a",
            recording="a",
            machine_type="fan",
            machine_id="00",
            condition="anomaly",
            snr_db=-6.0,
        )
        writer.add(clip, np.ones((3, 4), np.float32))
        writer.finish(Mfcc(sample_rate=16_000, n_mfcc=4))
    store = FeatureStore.open(tmp_path)
    with pytest.raises(DatasetError, match="fan/00 at -6 dB has anomalous clips, but no normal"):
        describe(store, np.array([0]), "deviation")


def test_components_are_of_standardised_values() -> None:
    """The squared components of independent, standardised values sum to the number of values."""
    described = np.random.default_rng(0).normal(5, [1, 10, 100], (50, 3))
    components, explained = principal_components(described)
    assert components.shape == (50, 3)
    assert np.square(components).sum() == pytest.approx(50 * 3)
    assert sum(explained) == pytest.approx(1.0)
    assert list(explained) == sorted(explained, reverse=True)


def test_equal_clips_have_no_variance_to_explain() -> None:
    components, explained = principal_components(np.ones((3, 4)))
    assert not components.any()
    assert set(explained) == {0.0}
