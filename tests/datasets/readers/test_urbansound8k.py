import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.errors import DatasetError


def urbansound(
    folder: Path, table: str, files: Iterable[str] = ("fold1/7-0-0-0.wav", "fold2/7-1-0-1.wav")
) -> Path:
    with zipfile.ZipFile(folder / "urban.zip", "w") as file:
        file.writestr("Urban/metadata/UrbanSound8K.csv", table)
        for name in files:
            file.writestr(f"Urban/audio/{name}", b"")
    return folder / "urban.zip"


HEADER = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
TABLE = HEADER + "7-0-0-0.wav,7,0,4,1,1,0,siren\n7-1-0-1.wav,7,4,8,1,2,1,drilling\n"


def test_urbansound8k_is_read_from_its_table(tmp_path: Path) -> None:
    assert index([urbansound(tmp_path, TABLE)]) == [
        Clip(
            path="Urban/audio/fold1/7-0-0-0.wav",
            recording="7",
            label="siren",
            fold=1,
            source="urban.zip",
        ),
        Clip(
            path="Urban/audio/fold2/7-1-0-1.wav",
            recording="7",
            label="drilling",
            fold=2,
            source="urban.zip",
        ),
    ]


def test_listed_but_missing_recordings_are_left_out_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [clip.label for clip in index([urbansound(tmp_path, TABLE, ["fold2/7-1-0-1.wav"])])] == [
        "drilling"
    ]
    warning = capsys.readouterr().err
    assert warning.startswith(
        "warning: urban.zip: Urban/audio/fold1/7-0-0-0.wav is listed in"
        " Urban/metadata/UrbanSound8K.csv, but not there"
    )


@pytest.mark.parametrize(
    ("table", "files", "message"),
    [
        (
            TABLE.replace("fsID", "id").replace("class\n", "kind\n"),
            ["fold1/7-0-0-0.wav"],
            "column class, fsID is missing",
        ),
        (
            HEADER + "7-0-0-0.wav,7,0,4,1,one,0,siren\n",
            ["fold1/7-0-0-0.wav"],
            "line 2: '7-0-0-0.wav,one,siren,7'",
        ),
        (HEADER + "7-0-0-0.wav\n", ["fold1/7-0-0-0.wav"], "line 2"),
        (
            TABLE.replace(",", ";"),
            ["fold1/7-0-0-0.wav"],
            "column class, fold, fsID, slice_file_name is missing",
        ),
        (
            TABLE + "7-0-0-0.wav,7,0,4,1,1,1,drilling\n",
            ["fold1/7-0-0-0.wav"],
            "line 4: 7-0-0-0.wav in fold 1 is listed twice",
        ),
        (TABLE, ["fold3/7-0-0-0.wav"], "none of 2 recordings listed"),
    ],
)
def test_wrong_table_gives_one_line(
    tmp_path: Path, table: str, files: list[str], message: str
) -> None:
    with pytest.raises(DatasetError, match=re.escape(message)):
        index([urbansound(tmp_path, table, files)])
