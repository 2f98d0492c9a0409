from pathlib import Path

import numpy as np
import pytest

from stethoscope.datasets.clips import Clip, Skipped
from stethoscope.errors import ModelError
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.measurement import measure

FEATURE = LogMel(sample_rate=16_000, n_mels=4)


def clip(name: str, machine_type: str = "fan") -> Clip:
    return Clip(path=name, recording=name, machine_type=machine_type, source="set")


def test_store_returns_the_frames_that_were_added(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = [rng.random((n, 4), dtype=np.float32) for n in (3, 1, 5)]
    with FeatureWriter(tmp_path) as writer:
        for number, one in enumerate(frames):
            writer.add(clip(f"{number}.wav"), one)
        writer.skip(clip("bad.wav"), "holds no samples")
        writer.finish(FEATURE)
    store = FeatureStore.open(tmp_path)
    assert store.feature == FEATURE
    assert [one.path for one in store.clips] == ["0.wav", "1.wav", "2.wav"]
    assert store.skipped == [Skipped("set", "bad.wav", "holds no samples")]
    np.testing.assert_array_equal(store.frames, np.concatenate(frames))
    for number, one in enumerate(frames):
        np.testing.assert_array_equal(store.clip_frames(number), one)


def test_clips_are_selected_and_grouped_by_type(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path) as writer:
        for number, machine_type in enumerate(["pump", "fan", "pump", "fan"]):
            writer.add(clip(str(number), machine_type), np.zeros((1, 4), dtype=np.float32))
        writer.finish(FEATURE)
    store = FeatureStore.open(tmp_path)
    assert store.where(lambda one: one.path != "0").tolist() == [1, 2, 3]
    grouped = {name: indices.tolist() for name, indices in store.by_type([0, 1, 2])}
    assert grouped == {"fan": [1], "pump": [0, 2]}


def test_interrupted_writer_leaves_no_store(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path / "store") as writer:
        writer.add(clip("a"), np.zeros((3, 4), dtype=np.float32))
    with pytest.raises(ModelError, match="not a finished feature store"):
        FeatureStore.open(tmp_path / "store")


@pytest.mark.parametrize("name", ["frames.npy", "measured.npy"])
def test_store_that_a_power_cut_left_incomplete_is_refused(tmp_path: Path, name: str) -> None:
    samples = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    with FeatureWriter(tmp_path) as writer:
        writer.add(clip("a"), FEATURE.extract(samples), measure(samples, 16_000))
        writer.finish(FEATURE)
    content = (tmp_path / name).read_bytes()
    assert FeatureStore.open(tmp_path).measured
    for size in (0, 100, len(content) - 1):
        (tmp_path / name).write_bytes(content[:size])
        with pytest.raises(ModelError, match="not a finished feature store"):
            FeatureStore.open(tmp_path)
