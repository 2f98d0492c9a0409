import csv
import random

import numpy as np
import pytest

from stethoscope.detection.scores import ScoredClip, read_scores, write_scores
from stethoscope.errors import DatasetError


def _clip(**values: object) -> ScoredClip:
    return ScoredClip(
        **{
            "path": "fan/a.wav",
            "machine_id": "00",
            "condition": "normal",
            "score": 1.5,
            "threshold": 2.0,
            "decision": False,
        }
        | values
    )


def test_a_table_is_read_as_it_was_written(tmp_path):
    clips = [
        _clip(
            machine_type="fan",
            score=0.1 + 0.2,
            snr_db=-6.0,
            domain="target",
            label='speed "3", load',
            source="-6_dB_fan.zip",
        ),
        _clip(
            path="häßlich, sehr.wav",
            condition="anomaly",
            score=-1e300,
            threshold=5e-324,
            decision=True,
        ),
        _clip(condition="unknown"),
    ]
    write_scores(tmp_path / "scores.csv", clips)
    assert read_scores(tmp_path / "scores.csv") == clips
    assert clips[0].machine == "fan/00"


def test_the_file_has_a_header_and_a_row_per_clip(tmp_path):
    write_scores(
        tmp_path / "scores.csv",
        [_clip(score=np.float64(0.5), threshold=np.float32(0.25), decision=np.bool_(True))],
    )
    with (tmp_path / "scores.csv").open(newline="") as file:
        header, row = csv.reader(file)
    assert header[:6] == ["path", "machine_id", "condition", "score", "threshold", "decision"]
    assert row[:6] == ["fan/a.wav", "00", "normal", "0.5", "0.25", "1"]


def test_scores_keep_every_digit(tmp_path):
    rng = random.Random(0)
    scores = [rng.gauss(0, 1) * 10 ** rng.uniform(-20, 20) for _ in range(500)]
    write_scores(tmp_path / "scores.csv", [_clip(score=score) for score in scores])
    assert [clip.score for clip in read_scores(tmp_path / "scores.csv")] == scores


def test_only_the_first_six_columns_are_required(tmp_path):
    (tmp_path / "scores.csv").write_text(
        "path,machine_id,condition,score,threshold,decision\na.wav,01,anomaly,3,2,1\n"
    )
    assert read_scores(tmp_path / "scores.csv") == [
        ScoredClip(
            path="a.wav",
            machine_id="01",
            condition="anomaly",
            score=3.0,
            threshold=2.0,
            decision=True,
        )
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,01,broken,3,2,1", "line 2: condition is 'broken'"),
        ("a.wav,01,normal,nan,2,1", "line 2: score is 'nan'"),
        ("a.wav,01,normal,3,2,yes", "line 2: decision is 'yes'"),
        ("a.wav,01,normal,three,2,1", "line 2: could not convert"),
        ("a.wav,01,normal,3", "line 2: has fewer fields"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path, row, message):
    path = tmp_path / "scores.csv"
    path.write_text(f"path,machine_id,condition,score,threshold,decision\n{row}\n")
    with pytest.raises(DatasetError, match=message):
        read_scores(path)


def test_a_table_without_the_columns_is_refused(tmp_path):
    (tmp_path / "clips.csv").write_text("path,score\na,1\n")
    with pytest.raises(
        DatasetError, match="column machine_id, condition, threshold, decision is missing"
    ):
        read_scores(tmp_path / "clips.csv")
    with pytest.raises(DatasetError, match=r"none\.csv: cannot be read"):
        read_scores(tmp_path / "none.csv")
