"""Made-up machines: stores that take no time to make."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stethoscope.datasets.clips import Clip
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.machines import split_key
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.sampled import SampledLogMel

FEATURE = LogMel(sample_rate=16_000, n_mels=12)


def write_store(
    folder: Path,
    machines: dict[str, int],
    *,
    n_frames: int = 70,
    anomalies: int = 0,
    silent: bool = False,
    samples: bool = False,
) -> FeatureStore:
    """Write a store of machines, each with a spectrum of its own and so many training clips; an
    anomaly is louder in three bands. With `samples`, frames also hold those of a machine's tone.
    """
    rng = np.random.default_rng(7)
    feature = SampledLogMel.of(FEATURE) if samples else FEATURE
    with FeatureWriter(folder) as writer:
        for machine, count in machines.items():
            machine_type, machine_id = split_key(machine)
            level = rng.normal(-30, 6, FEATURE.n_mels)
            for number in range(count + 2 * anomalies):
                test, faulty = number >= count, number >= count + anomalies
                frames = level + rng.normal(0, 1) + rng.normal(0, 3, (n_frames, FEATURE.n_mels))
                frames[:, 4:7] += 5.0 * faulty
                if silent:
                    frames[:, 0] = -156.5
                path = f"{machine}/{number}"
                clip = Clip(
                    path=path,
                    recording=path,
                    machine_type=machine_type,
                    machine_id=machine_id,
                    source="made.zip",
                    split="test" if test else "train",
                    condition="anomaly" if faulty else "normal",
                )
                if samples:
                    angle = np.arange(n_frames * FEATURE.hop_length) * np.exp(level[0] / 20)
                    tone = np.sin(angle) + rng.normal(0, 0.3, angle.shape)
                    frames = np.concatenate([frames, tone.reshape(n_frames, -1)], axis=1)
                writer.add(clip, frames.astype(np.float32))
        writer.finish(feature)
    return FeatureStore.open(folder)


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., FeatureStore]:
    """Write a store and open it; the parameters are those of `write_store`."""
    return lambda machines, **options: write_store(tmp_path / "store", machines, **options)


@pytest.fixture(scope="session")
def two_types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two fans and a pump, each with six training clips, two normal and two anomalous ones."""
    folder = tmp_path_factory.mktemp("two_types")
    write_store(folder, {"fan/00": 6, "fan/02": 6, "pump/00": 6}, n_frames=40, anomalies=2)
    return folder


@pytest.fixture(scope="session")
def two_types_sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clips of `two_types`, for detectors that also need their samples."""
    folder = tmp_path_factory.mktemp("two_types_sampled")
    write_store(
        folder, {"fan/00": 6, "fan/02": 6, "pump/00": 6}, n_frames=40, anomalies=2, samples=True
    )
    return folder
