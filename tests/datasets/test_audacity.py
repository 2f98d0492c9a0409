import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.datasets.audacity import Interval, intervals_of, parse_labels, recordings_of
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.errors import DatasetError


def test_export_of_audacity_is_read() -> None:
    text = (
        "\ufeff1,5\t2,25\tDing\r\n\\\t1000\t2000\r\n0.5\t0.75\t\n7\t7\tpoint\n\n"
        "3.0\t4.0\ttwo words\n"
    )
    assert parse_labels(text, "x") == [
        Interval(0.5, 0.75, "event"),
        Interval(1.5, 2.25, "Ding"),
        Interval(3.0, 4.0, "two words"),
    ]


@pytest.mark.parametrize(
    "line", ["1.0", "a\tb\tc", "2\t1\tback", "nan\t1\tx", "0\tinf\tx", "-1\t2\tx", "1 2 Ding"]
)
def test_wrong_line_is_named(line: str) -> None:
    with pytest.raises(DatasetError, match=r"labels_1\.txt, line 2: "):
        parse_labels(f"0\t1\tDing\n{line}\n", "labels_1.txt")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        intervals = parse_labels(text, "x")
    except DatasetError:
        return
    assert all(0 <= one.start < one.end and one.label for one in intervals)


def labelled(tmp_path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return tmp_path / "set.zip"


def test_recordings_and_intervals_become_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "bell/audio_a.wav": "",
        "bell/labels_a.txt": "1\t2\tDing\n4\t5.5\tDong\n",
        "bell/audio_b_2.flac": "",
        "bell/label_b_2.txt": "",
        "bell/audio_lost.wav": "",
    }
    clips = index([labelled(tmp_path, files)])
    assert [(clip.path, clip.label, clip.start, clip.end) for clip in clips] == [
        ("bell/audio_a.wav", "", 0, 0),
        ("bell/audio_a.wav", "Ding", 1, 2),
        ("bell/audio_a.wav", "Dong", 4, 5.5),
        ("bell/audio_b_2.flac", "", 0, 0),
    ]
    assert {clip.recording for clip in clips} == {"bell/a", "bell/b_2"}
    assert [clip.path for clip in recordings_of(clips)] == [
        "bell/audio_a.wav",
        "bell/audio_b_2.flac",
    ]
    assert "bell/audio_lost.wav" in capsys.readouterr().err  # its labels are missing


def test_labels_can_be_chosen_and_overlaps_are_merged() -> None:
    whole = Clip(path="a", recording="a")
    rows = [
        Clip(path="a", recording="a", label=label, start=start, end=end)
        for start, end, label in [(3, 5, "x"), (1, 2, "y"), (4, 6, "x")]
    ]
    assert intervals_of([whole, *rows]) == {("", "a"): [(1, 2), (3, 6)]}
    assert intervals_of([whole, *rows], "y, z") == {("", "a"): [(1, 2)]}
    with pytest.raises(DatasetError, match="labels found: x, y"):
        intervals_of([whole, *rows], "Ding")
    with pytest.raises(DatasetError, match="no recording has a labelled interval"):
        intervals_of([whole])
