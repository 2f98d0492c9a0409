import csv
from pathlib import Path

import pytest

from stethoscope.datasets.clips import Clip, read_clips, write_clips
from stethoscope.errors import DatasetError

CLIPS = [
    Clip(path="fan/a, b.wav", recording="a", machine_type="fan", machine_id="00", snr_db=-6.0),
    Clip(path="ü.wav", recording="ü", split="test", condition="anomaly", start=0.5, end=1.25),
]


def test_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips.csv", CLIPS, n_frames=[3, 4])
    assert read_clips(tmp_path / "clips.csv") == CLIPS
    with (tmp_path / "clips.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["n_frames"] for row in rows] == ["3", "4"]
    assert [row["snr_db"] for row in rows] == ["-6.0", ""]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "anomaly",
            "faulty",
            r"line 3: condition is 'faulty', not normal, anomaly, unknown, noise",
        ),
        ("test", "dev", r"line 3: split is 'dev', not train, test, supplemental"),
        ("1.25", "late", r"line 3: could not convert"),
        ("fold", "folds", r"column fold is missing"),
    ],
)
def test_wrong_row_is_named(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = tmp_path / "clips.csv"
    write_clips(path, CLIPS)
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        read_clips(path)
