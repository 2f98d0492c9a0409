import io
import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stethoscope.commands.answers import Columns, answer_files, recordings_of
from stethoscope.errors import AudioError, ParameterError
from stethoscope.terminal import Cell


def answer(file: str) -> dict[str, object]:
    if file.startswith("broken"):
        raise AudioError(f"{file}: holds no samples")
    return {"Label": "Lüfter"}


COLUMNS = Columns(("label",), "<", lambda fields: [[Cell(fields["Label"], "green")], ["2"]])


def answers(*files: str, json: bool = False, **options: bool) -> int:
    return answer_files(
        Namespace(files=files, json=json, **options),
        answer,
        COLUMNS,
        lambda fields: fields["Label"] == "Lüfter",
    )


@pytest.mark.parametrize(
    ("files", "status"), [(["broken.wav", "a.wav"], 0), (["broken.wav"], 1), ([], 1)]
)
def test_each_file_has_a_line_and_one_usable_file_is_success(
    files: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {
        "broken.wav": {
            "File": "broken.wav",
            "Error": "broken.wav: holds no samples",
            "Reason": "unusable_recording",
        },
        "a.wav": {"File": "a.wav", "Label": "Lüfter"},
    }
    assert answers(*files) == status
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [expected[file] for file in files]


@pytest.mark.parametrize(
    ("files", "status"),
    [(["broken.wav", "a.wav"], 3), (["broken.wav"], 1), (["a.wav"], 3)],
)
def test_exit_status_reports_a_finding_and_else_a_file_that_cannot_be_used(
    files: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answers(*files, exit_code=True) == status


def test_folders_and_patterns_stand_for_the_recordings_in_them(tmp_path: Path) -> None:
    for name in ("b.WAV", "day1/a.flac", "day2/c.mp3", "day2/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "[1].wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")
    names = ["none.wav", f"{tmp_path}/[1].wav", str(tmp_path / "day2"), f"{tmp_path}/d*/*.*a*"]
    found = [one.removeprefix(f"{tmp_path}/") for one in recordings_of(names)]
    assert found == ["none.wav", "[1].wav", "day2/c.mp3", "day1/a.flac"]
    found = [one.removeprefix(f"{tmp_path}/") for one in recordings_of([str(tmp_path)])]
    assert found == ["[1].wav", "b.WAV", "day1/a.flac", "day2/c.mp3"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParameterError, match=r"empty: holds no recordings; these are read: WAV"):
        recordings_of([str(tmp_path / "empty")])
    with pytest.raises(ParameterError, match=r"\*\.aac: fits the name of no file"):
        recordings_of([f"{tmp_path}/*.aac"])


class Terminal(io.StringIO):
    """A terminal as standard output."""

    def isatty(self) -> bool:
        return True


@contextmanager
def terminal() -> Iterator[Terminal]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", output := Terminal())
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "60")
        patch.delenv("NO_COLOR", raising=False)
        yield output


def test_a_terminal_gets_an_aligned_table_in_colour() -> None:
    with terminal() as output:
        assert answers("a.wav", "broken.wav") == 0
    printed = output.getvalue()
    assert "\x1b[32mLüfter" in printed
    plain = re.sub(r"\x1b\[[\d;]*m", "", printed)
    assert [line.rstrip() for line in plain.splitlines()] == [
        "file   label",
        "a.wav  Lüfter",
        "       2",
        "broken.wav: holds no samples",
    ]


def test_a_terminal_gets_a_plain_table_where_rich_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with terminal() as output:
        assert answers("a.wav") == 0
    assert output.getvalue() == "file   label\na.wav  Lüfter\n       2\n"


def test_a_terminal_gets_json_on_request() -> None:
    with terminal() as output:
        assert answers("a.wav", json=True) == 0
    assert json.loads(output.getvalue()) == {"File": "a.wav", "Label": "Lüfter"}


NAME = "a\x1bc\n\u202egnp\udcff.wav"
"""With the code that resets a terminal, a line break, a right-to-left override, and no UTF-8."""


def test_no_name_of_a_file_controls_the_terminal() -> None:
    shown = r"a\x1bc\n\u202egnp\udcff.wav"
    with terminal() as output:
        assert answers(NAME, f"broken{NAME}") == 0
    *table, error = re.sub(r"\x1b\[[\d;]*m", "", output.getvalue()).splitlines()
    assert shown in re.sub(r"\s", "", "".join(table))
    assert error == f"broken{shown}: holds no samples"


def test_json_is_valid_in_every_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding in ("utf-8", "ascii", "latin-1"):
        written = io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding))
        assert answers(NAME, "Lüfter.wav") == 0
        lines = written.getvalue().decode(encoding).splitlines()
        assert [json.loads(line)["File"] for line in lines] == [NAME, "Lüfter.wav"]
