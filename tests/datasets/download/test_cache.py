import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stethoscope.datasets.download import retries
from stethoscope.datasets.download.fetch import fetch
from stethoscope.errors import DownloadError
from stethoscope.system import explain
from tests.datasets.download.conftest import MD5, SMALL, Site, whole
from tests.disks import NEEDS_ROOT, small_disk


def test_unchanged_file_is_not_downloaded_twice(site: Site, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (first,) = fetch(site.url, tmp_path / "a", cache=cache)
    (second,) = fetch(site.url, tmp_path / "b", cache=cache)
    assert [request.get("If-None-Match") for request in site.requests] == [None, '"1"']
    assert first.md5 == second.md5 == MD5
    assert first.path.samefile(second.path)
    assert whole(tmp_path / "b")
    fetch(site.url, tmp_path / "c", md5=MD5, cache=cache)
    assert len(site.requests) == 2  # its MD5 is known

    site.content, site.headers = SMALL, {"ETag": '"2"'}
    (changed,) = fetch(site.url, tmp_path / "d", cache=cache)
    assert changed.path.read_bytes() == SMALL
    assert whole(tmp_path / "a")  # what an earlier run was given stays as it was

    next(cache.rglob("fan.zip")).write_bytes(b"damaged")
    (mended,) = fetch(site.url, tmp_path / "e", cache=cache)
    assert mended.path.read_bytes() == SMALL


@pytest.mark.parametrize("headers", [{"Last-Modified": "Thu, 01 Oct 2020 00:00:00 GMT"}, {}])
def test_cached_file_is_revalidated_by_date_and_downloaded_again_without_one(
    site: Site, tmp_path: Path, headers: dict[str, str]
) -> None:
    site.headers = headers
    for folder in ("a", "b"):
        fetch(site.url, tmp_path / folder, cache=tmp_path / "cache")
    assert [request.get("If-Modified-Since") for request in site.requests] == [
        None,
        headers.get("Last-Modified"),
    ]
    assert whole(tmp_path / "b")


def test_cached_file_is_used_when_the_server_is_gone(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(site.url, tmp_path / "a", cache=tmp_path / "cache")
    site.server.shutdown()
    site.server.server_close()
    fetch(site.url, tmp_path / "b", cache=tmp_path / "cache")
    assert whole(tmp_path / "b")
    assert "the copy downloaded before is used" in capsys.readouterr().err


def test_interrupted_download_is_resumed_in_the_cache(site: Site, tmp_path: Path) -> None:
    site.faults = ["drop"] + [503] * retries.ATTEMPTS
    with pytest.raises(DownloadError):
        fetch(site.url, tmp_path / "a", cache=tmp_path / "cache")
    site.requests.clear()
    fetch(site.url, tmp_path / "b", cache=tmp_path / "cache")
    assert re.fullmatch(r"bytes=[1-9]\d+-", site.ranges()[0])
    assert whole(tmp_path / "b")


def test_concurrent_fetches_download_once(site: Site, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda name: fetch(site.url, tmp_path / name, md5=MD5, cache=tmp_path / "cache"),
                "abcd",
            )
        )
    assert len(site.requests) == 1
    assert all(whole(tmp_path / name) for name in "abcd")


@NEEDS_ROOT
def test_a_read_only_cache_is_named_with_the_setting_that_chooses_another(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "cache", 1 << 20) as cache:
        subprocess.run(["mount", "-o", "remount,ro", str(cache)], check=True)
        monkeypatch.setenv("STETHOSCOPE_CACHE", str(cache))
        with pytest.raises(OSError, match="Read-only") as caught:
            fetch(site.url, tmp_path / "to", cache=cache)
    line = explain(caught.value)
    assert line.startswith(f"{cache}/")
    assert line.endswith(
        ": cannot be written, the file system is read-only; set STETHOSCOPE_CACHE to another folder"
    )
