from pathlib import Path

import numpy as np

from stethoscope.datasets.clips import Clip
from stethoscope.detection.normal_scores import (
    NormalScores,
    read_normal_scores,
    write_normal_scores,
)


def _clip(machine_type: str, machine_id: str, session: str = "") -> Clip:
    return Clip(
        path="a.wav",
        recording="a",
        machine_type=machine_type,
        machine_id=machine_id,
        source="made.zip",
        split="train",
        condition="normal",
        session=session,
    )


def test_scores_are_read_by_machine_and_by_whether_they_were_held_out(tmp_path: Path) -> None:
    clips = [_clip("fan", "00"), _clip("fan", "00"), _clip("pump", "02"), _clip("fan", "00")]
    held_out = np.array([True, False, False, True])
    write_normal_scores(tmp_path, clips, held_out, [0.1, 1 / 3, 2.0, -4.0])
    assert read_normal_scores(tmp_path) == NormalScores(
        held_out={"fan/00": [0.1, -4.0]}, trained={"fan/00": [1 / 3], "pump/02": [2.0]}
    )


def test_sessions_are_known_where_each_clip_of_a_machine_names_one(tmp_path: Path) -> None:
    clips = [
        _clip("fan", "00", "mon"),
        _clip("fan", "00", "tue"),
        _clip("fan", "00", "mon"),
        _clip("fan", "02", "mon"),
        _clip("fan", "02"),
    ]
    held_out = np.array([True, False, True, True, True])
    write_normal_scores(tmp_path, clips, held_out, [1.0, 2.0, 3.0, 4.0, 5.0])
    assert read_normal_scores(tmp_path).sessions == {"fan/00": {"mon": [1.0, 3.0], "tue": []}}


def test_scores_of_an_earlier_version_have_no_sessions(tmp_path: Path) -> None:
    (tmp_path / "normal_scores.csv").write_text(
        "source,path,machine_type,machine_id,held_out,score\na.zip,a.wav,fan,00,1,0.5\n"
    )
    scores = read_normal_scores(tmp_path)
    assert scores == NormalScores({"fan/00": [0.5]}, {})
