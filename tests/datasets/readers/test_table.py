import zipfile
from collections import Counter
from pathlib import Path

import pytest

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.errors import DatasetError
from tests.datasets.conftest import make_wav


def archive(folder: Path, table: str, names: list[str], name: str = "recordings.csv") -> Path:
    path = folder / "set.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(name, table)
        for recording in names:
            packed.writestr(recording, make_wav())
    return path


def test_table_describes_recordings_of_any_name(tmp_path: Path) -> None:
    table = (
        "path,machine,condition,session,label,split\n"
        "x/a.wav,pump/01,ok,monday,,train\n"
        "x/b.wav,pump/01,OK,tuesday,,test\n"
        "c.wav,pump/01,faulty,,bearing,\n"
        "d.wav,pump/01,,,,test\n"
    )
    clips = index([archive(tmp_path, table, ["x/a.wav", "x/b.wav", "c.wav", "d.wav"])])
    pump = {"machine_type": "pump", "machine_id": "01", "source": "set.zip"}
    assert sorted(clips, key=lambda clip: clip.recording) == [
        Clip(
            path="c.wav", recording="c", split="test", condition="anomaly", label="bearing", **pump
        ),  # type: ignore[arg-type]
        Clip(path="d.wav", recording="d", split="test", condition="unknown", **pump),  # type: ignore[arg-type]
        Clip(path="x/a.wav", recording="x/a", condition="normal", session="monday", **pump),  # type: ignore[arg-type]
        Clip(
            path="x/b.wav",
            recording="x/b",
            split="test",
            condition="normal",
            session="tuesday",
            **pump,
        ),  # type: ignore[arg-type]
    ]


def test_table_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    table = "\ufeffPath; Condition\r\n" + "".join(f"sub\\{i}.wav; ok\r\n" for i in range(8))
    clips = index([archive(tmp_path, table, [f"data/sub/{i}.wav" for i in range(8)], "data/t.csv")])
    assert Counter((clip.machine, clip.split) for clip in clips) == {
        ("set/", "train"): 6,
        ("set/", "test"): 2,
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "a.wav,fine",
            r"recordings\.csv, line 2: condition is 'fine'; give normal, anomaly or unk",
        ),
        ("b.wav,ok", r"'b\.wav' \(set\.zip: recordings\.csv, line 2\): there is no such recording"),
        ('"b\n.wav",ok', r"'b\\n\.wav' \(set\.zip: recordings\.csv, line 3\): there is no such"),
        ("a.wav,ok\na.wav,ok", r"line 3: a\.wav is listed twice"),
    ],
)
def test_wrong_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        index([archive(tmp_path, f"path,condition\n{row}\n", ["a.wav"])])


def test_listed_recordings_that_are_absent_give_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = "path,condition\na.wav,ok\nb.wav,ok\n"
    assert len(index([archive(tmp_path, table, ["a.wav", "c.wav"])])) == 1
    printed = capsys.readouterr().err
    assert "1 recording listed but not there; the first is 'b.wav'" in printed
    assert "the first is c.wav in set.zip" in printed


def test_tables_with_other_columns_are_no_description(tmp_path: Path) -> None:
    clips = index([archive(tmp_path, "name,value\na.wav,1\n", ["a.wav"])])
    assert [clip.machine for clip in clips] == ["set/"]


def test_table_that_is_not_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a word, the faulty recordings that it lists would be taken for normal ones."""
    index([archive(tmp_path, "file,condition\na.wav,faulty\n", ["a.wav"])])
    assert "'recordings.csv' is not used; a table that" in capsys.readouterr().err
    monkeypatch.setattr("stethoscope.datasets.readers.table._MOST_BYTES", 10)
    index([archive(tmp_path, "path,condition\na.wav,faulty\n", ["a.wav"])])
    assert "recordings.csv: has 28 bytes, over 10; split it" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_table_in_the_encodings_of_spreadsheets_is_read(tmp_path: Path, encoding: str) -> None:
    table = "path,condition,label\na.wav,faulty,Lüfter\n"
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("recordings.csv", table.encode(encoding))
        packed.writestr("a.wav", make_wav())
    assert [(clip.condition, clip.label) for clip in index([path])] == [("anomaly", "Lüfter")]


def test_cell_that_is_too_large_is_named_by_its_line(tmp_path: Path) -> None:
    table = f'path,condition\na.wav,ok\nb.wav,"{"x" * 200_000}"\n'
    with pytest.raises(DatasetError, match=r"recordings\.csv, line 3: cannot be read.*correct the"):
        index([archive(tmp_path, table, ["a.wav"])])
