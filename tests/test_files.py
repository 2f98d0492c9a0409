"""Writing files."""

import csv
from pathlib import Path

import pytest

from stethoscope.files import csv_text, write_csv

ROWS = [("path", "label", "share"), ("a,b.wav", 'said "x"', 0.25), ("ä.wav", None, 1)]


def test_csv_has_line_feeds_quotes_where_needed_and_empty_cells_for_none(tmp_path: Path) -> None:
    write_csv(tmp_path / "table.csv", ROWS)
    expected = 'path,label,share\n"a,b.wav","said ""x""",0.25\nä.wav,,1\n'
    assert (tmp_path / "table.csv").read_bytes() == expected.encode()
    assert csv_text(ROWS) == expected


def test_csv_can_be_read_again(tmp_path: Path) -> None:
    write_csv(tmp_path / "table.csv", ROWS)
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        assert [row["path"] for row in csv.DictReader(file)] == ["a,b.wav", "ä.wav"]


def test_csv_is_left_as_it_was_when_a_row_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("before\n")

    def rows() -> object:
        yield ("path",)
        raise ValueError("no row")

    with pytest.raises(ValueError, match="no row"):
        write_csv(tmp_path / "table.csv", rows())  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    assert (tmp_path / "table.csv").read_text() == "before\n"
