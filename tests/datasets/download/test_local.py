import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stethoscope.datasets.download import placing
from stethoscope.datasets.download.fetch import fetch
from stethoscope.datasets.layouts import index
from stethoscope.errors import DatasetError
from tests.datasets.download.conftest import CONTENT, MD5, whole


def test_local_archives_are_linked_or_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "-6_dB_fan.zip"
    source.write_bytes(CONTENT)
    for address in (str(source), source.as_uri()):
        (one,) = fetch(address, tmp_path / "linked")
        assert one.path.samefile(source)
        assert (one.name, one.md5) == ("-6_dB_fan.zip", MD5)

    def refuse(source: Path, target: Path) -> None:
        raise OSError("another file system")

    monkeypatch.setattr(placing.os, "link", refuse)
    (one,) = fetch(str(source), tmp_path / "copied")
    assert not one.path.samefile(source)
    assert whole(tmp_path / "copied", "-6_dB_fan.zip")
    assert fetch(str(source), tmp_path)[0].path == source  # it is there already
    assert source.read_bytes() == CONTENT


def test_symbolic_link_keeps_its_own_name(tmp_path: Path) -> None:
    """As stores of large files make them: the name is a link to a hash."""
    (tmp_path / "0a1b2c").write_bytes(CONTENT)
    (tmp_path / "6_dB_fan.zip").symlink_to(tmp_path / "0a1b2c")
    (one,) = fetch(str(tmp_path / "6_dB_fan.zip"), tmp_path / "to")
    assert one.name == "6_dB_fan.zip"
    assert not one.path.is_symlink()


def test_folder_is_packed_into_one_archive(tmp_path: Path, wav: Callable[..., bytes]) -> None:
    folder = tmp_path / "-6_dB_fan"
    for name in (
        "id_00/normal/00000000.wav",
        "id_00/abnormal/00000000.wav",
        "faults.csv",
        "notes.pdf",
        ".hidden/a.wav",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(wav())
    (one,) = fetch(str(folder), tmp_path / "to")
    with zipfile.ZipFile(one.path) as packed:
        assert packed.namelist() == [
            "faults.csv",
            "id_00/abnormal/00000000.wav",
            "id_00/normal/00000000.wav",
        ]
        assert all(info.compress_type == zipfile.ZIP_STORED for info in packed.infolist())
        assert packed.read("id_00/normal/00000000.wav") == wav()
    assert one.name == "-6_dB_fan.zip"
    clips = index([one.path])
    assert {(clip.machine, clip.snr_db) for clip in clips} == {("fan/00", -6.0)}
    (folder / "faults.csv").touch()  # a new date changes no byte
    assert fetch(str(folder), tmp_path / "again")[0].md5 == one.md5
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no recordings"):
        fetch(str(tmp_path / "empty"), tmp_path / "to")


def test_memory_of_packing_does_not_grow_with_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pump").mkdir()
    content = np.random.default_rng(0).bytes(40 << 20)
    (tmp_path / "pump" / "hour.wav").write_bytes(content)
    tracemalloc.start()
    (one,) = fetch(str(tmp_path / "pump"), tmp_path / "to")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    with zipfile.ZipFile(one.path) as packed:
        assert packed.read("hour.wav") == content
    monkeypatch.setattr("stethoscope.datasets.archives.LARGE_BYTES", 64 << 20)
    assert fetch(str(tmp_path / "pump"), tmp_path / "at_once")[0].md5 == one.md5
