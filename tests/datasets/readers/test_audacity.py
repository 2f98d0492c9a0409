import zipfile
from pathlib import Path

import pytest

from stethoscope.datasets.audacity import recordings_of
from stethoscope.datasets.layouts import index


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
