"""The simulated set with time labels: bells and labels agree."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from stethoscope.datasets.audacity import intervals_of, recordings_of
from stethoscope.datasets.download.fetch import fetch
from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.bells import simulate_bells
from stethoscope.errors import ParameterError
from stethoscope.sound.audio import load


def test_bells_are_loud_only_within_their_labels(tmp_path: Path) -> None:
    """Between 1 and 1.5 kHz a ringing bell is louder than the machine without it."""
    simulate_bells(tmp_path / "bells.zip", recordings=4, seconds=12.0)
    table = index([tmp_path / "bells.zip"])
    intervals = intervals_of(table)
    assert len(recordings_of(table)) == 4
    for clip in recordings_of(table):
        with ZipFile(tmp_path / "bells.zip") as archive:
            samples, rate = load(archive.read(clip.path))
        spans = intervals[clip.source, clip.path]
        assert rate == 16000
        assert len(spans) >= 2
        assert all(0.6 <= end - start <= 1.4 for start, end in spans)
        frames = samples[: len(samples) // 1600 * 1600].reshape(-1, 1600)  # 0.1 s
        band = np.abs(np.fft.rfft(frames, axis=1))[:, 100:150].max(axis=1)
        middles = (np.arange(len(frames)) + 0.5) * 0.1
        inside = np.array(
            [any(start + 0.1 < middle < end - 0.1 for start, end in spans) for middle in middles]
        )
        outside = np.array(
            [
                all(middle < start - 0.1 or middle > end + 0.1 for start, end in spans)
                for middle in middles
            ]
        )
        assert np.median(band[inside]) > 3 * np.median(band[outside])


def test_equal_parameters_give_equal_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_bells(tmp_path / name, seed=seed, recordings=2, seconds=5.0)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_address_passes_its_options_to_the_simulator(tmp_path: Path) -> None:
    (fetched,) = fetch("simulated/bells?recordings=2&seconds=5", tmp_path)
    assert fetched.name == "bells.zip"
    assert len(recordings_of(index([fetched.path]))) == 2


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"recordings": 0}, {"seconds": 1.0}, {"snr_db": 100.0}]
)
def test_impossible_parameter_is_named(wrong: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        simulate_bells(tmp_path / "bells.zip", **wrong)  # type: ignore[arg-type]
