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
