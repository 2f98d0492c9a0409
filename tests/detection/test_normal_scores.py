from pathlib import Path

import numpy as np

from stethoscope.datasets.clips import Clip
from stethoscope.detection.normal_scores import (
    NormalScores,
    read_normal_scores,
    write_normal_scores,
)


def _clip(machine_type: str, machine_id: str) -> Clip:
    return Clip(
        path="a.wav",
        recording="a",
        machine_type=machine_type,
        machine_id=machine_id,
        source="made.zip",
        split="train",
        condition="normal",
    )


def test_scores_are_read_by_machine_and_by_whether_they_were_held_out(tmp_path: Path) -> None:
    clips = [_clip("fan", "00"), _clip("fan", "00"), _clip("pump", "02"), _clip("fan", "00")]
    held_out = np.array([True, False, False, True])
    write_normal_scores(tmp_path, clips, held_out, [0.1, 1 / 3, 2.0, -4.0])
    assert read_normal_scores(tmp_path) == NormalScores(
        held_out={"fan/00": [0.1, -4.0]}, trained={"fan/00": [1 / 3], "pump/02": [2.0]}
    )
