"""Progress and warnings on the terminal."""

import pytest

from stethoscope.progress import given_warnings, track, warn


def test_warning_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    warn("few clips;\n  record more")
    warn("a\x1b[2J.wav is silent")
    assert capsys.readouterr().err.splitlines() == [
        "warning: few clips; record more",
        r"warning: a\x1b[2J.wav is silent",
    ]


def test_warnings_of_a_process_are_kept_once() -> None:
    warn("a warning that no other test gives")
    warn("a warning that no  other test gives")
    assert given_warnings().count("a warning that no other test gives") == 1


def test_tracked_items_are_all_yielded_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(iter("abc"), label="read", total=3)) == ["a", "b", "c"]
    assert capsys.readouterr().err.splitlines()[-1] == "read 3/3"
