"""The simulated set with labels, by which the classification pipeline runs without recordings."""

from collections import Counter
from pathlib import Path

import pytest

from stethoscope.datasets.download.fetch import fetch
from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.sounds import simulate_sounds
from stethoscope.errors import ParameterError


def test_every_recording_has_a_label_and_a_machine(tmp_path: Path) -> None:
    (fetched,) = fetch("simulated/sounds?recordings=4&seconds=1", tmp_path)
    clips = index([fetched.path])
    assert Counter(clip.label for clip in clips) == {
        "normal": 4,
        "imbalance": 4,
        "clogging": 4,
        "voltage_change": 4,
    }
    assert {clip.condition for clip in clips if clip.label == "normal"} == {"normal"}
    assert {clip.condition for clip in clips if clip.label != "normal"} == {"anomaly"}
    assert {clip.machine for clip in clips} == {"fan/00", "fan/01", "fan/02", "fan/03"}


def test_equal_parameters_give_equal_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_sounds(tmp_path / name, seed=seed, recordings=2, seconds=0.5)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"recordings": 1}, {"seconds": 0.0}])
def test_impossible_parameter_is_named(wrong: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        simulate_sounds(tmp_path / "sounds.zip", **wrong)  # type: ignore[arg-type]
