from pathlib import Path
from types import SimpleNamespace

import pytest

from stethoscope.datasets.download import placing
from stethoscope.datasets.download.fetch import fetch
from stethoscope.errors import DownloadError
from tests.datasets.download.conftest import CONTENT, Site


def test_full_disk_is_reported_before_the_transfer(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = placing.DISK_RESERVE + len(CONTENT) - 1
    monkeypatch.setattr(placing.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(
        DownloadError,
        match=r"fan\.zip: needs 0\.00 GB, .* has 0\.07 GB free; free space or choose another",
    ):
        fetch(site.url, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_file_of_unknown_size_stops_before_it_fills_the_disk(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.sends_length = False
    kept_free = placing.DISK_RESERVE + (1 << 20)
    site_disk = iter([SimpleNamespace(free=kept_free + (1 << 20))])
    full = SimpleNamespace(free=kept_free - 1)
    monkeypatch.setattr(placing.shutil, "disk_usage", lambda _: next(site_disk, full))
    with pytest.raises(DownloadError, match=r"fan\.zip: needs .* free space or choose another"):
        fetch(site.url, tmp_path)
    assert not (tmp_path / "fan.zip").exists()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < len(CONTENT)
