import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from stethoscope.terminal import decimal, text_table, typed_path


def test_first_column_of_a_table_stands_left_and_the_others_right() -> None:
    rows = [("machine", "AUC"), ("fan/00", "0.912"), ("a longer name", "1.000")]
    assert text_table(rows) == [
        "machine          AUC",
        "fan/00         0.912",
        "a longer name  1.000",
    ]


def test_columns_stand_as_align_says_and_lines_end_without_spaces() -> None:
    assert text_table([("a", "b", "c"), ("1", "22", "")], align=">><") == ["a   b  c", "1  22"]


def test_decimal_of_nothing_is_not_available() -> None:
    assert decimal(None) == "n/a"
    assert decimal(0.12345) == "0.123"
    assert decimal(12.55, digits=0) == "13"


def test_path_is_shown_as_it_is_typed_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert typed_path(tmp_path / "runs" / "my pump") == "'runs/my pump'"
    assert typed_path(Path("runs/first")) == "runs/first"
    assert typed_path(tmp_path.parent) == str(tmp_path.parent)


def test_no_file_gets_the_number_of_a_stream_that_was_closed() -> None:
    program = (
        "import os; from stethoscope.terminal import prepare_streams; prepare_streams()\n"
        "print('no one reads this'); os._exit(2 < os.open('/dev/null', os.O_RDONLY))"
    )
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", command]).returncode == 1
