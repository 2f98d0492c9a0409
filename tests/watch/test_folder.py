import os
from datetime import datetime
from pathlib import Path

import pytest

from stethoscope.errors import DatasetError
from stethoscope.watch.folder import WatchedFolder, time_of_name


def names(folder: WatchedFolder) -> list[str]:
    return [one.key[0] for one in folder.complete()]


def test_recordings_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    for name, time in (("b.wav", 3), ("a.wav", 5), ("sub/c.flac", 4), ("notes.txt", 1)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"sound")
        os.utime(tmp_path / name, (time, time))
    (tmp_path / ".upload.wav").write_bytes(b"sound")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "2026-01-01_00-00-00.wav").write_bytes(b"sound")
    folder = WatchedFolder(tmp_path, (), settle_seconds=0.0)
    assert names(folder) == ["b.wav", "sub/c.flac", "a.wav", "2026-01-01_00-00-00.wav"]


def test_recording_that_is_still_written_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("stethoscope.watch.folder.time.monotonic", lambda: now)
    path = tmp_path / "a.wav"
    path.write_bytes(b"so")
    folder = WatchedFolder(tmp_path, (), settle_seconds=5.0)
    assert names(folder) == []
    now += 4.0
    path.write_bytes(b"sound")
    assert names(folder) == []
    now += 4.0
    assert names(folder) == []
    assert folder.pending == 1
    now += 2.0
    (found,) = folder.complete()
    folder.done(found)
    assert names(folder) == []
    assert folder.pending == 0


def test_name_of_undecodable_bytes_is_text_and_the_file_is_found(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/fan\xff.wav"))
    path.write_bytes(b"sound")
    [found] = WatchedFolder(tmp_path, (), settle_seconds=0.0).complete()
    assert (found.path, found.key[0]) == (path, "fan\\udcff.wav")


def test_known_and_forgotten_recordings_are_left_out_and_rewritten_ones_are_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    key = ("a.wav", 5, path.stat().st_mtime_ns)
    folder = WatchedFolder(tmp_path, [key], settle_seconds=0.0)
    assert names(folder) == []
    path.write_bytes(b"other sound")
    assert names(folder) == ["a.wav"]
    assert folder.complete(after=path.stat().st_mtime + 1.0) == []


def test_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="absent: No such file or directory; create the folder"):
        WatchedFolder(tmp_path / "absent", (), settle_seconds=0.0).complete()


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("pump_2026-03-14_09-30-05", datetime(2026, 3, 14, 9, 30, 5)),
        ("20260314T093005", datetime(2026, 3, 14, 9, 30, 5)),
        ("2026-03-14 09.30", datetime(2026, 3, 14, 9, 30)),
        ("2026-13-14_09-30-05", None),
        ("00000000", None),
        ("pump_2026-03-14", None),
    ],
)
def test_time_is_read_from_the_name(name: str, time: datetime | None) -> None:
    assert time_of_name(name) == (time and time.timestamp())
