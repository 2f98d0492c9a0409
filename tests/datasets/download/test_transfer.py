from pathlib import Path

import pytest

from stethoscope.datasets.download.fetch import fetch
from stethoscope.errors import DatasetError, DownloadError
from tests.datasets.download.conftest import CONTENT, MD5, Site, whole


def test_broken_connection_is_resumed(site: Site, tmp_path: Path) -> None:
    site.faults = ["drop", "drop", "drop"]
    fetch(site.url, tmp_path)
    assert whole(tmp_path)
    starts = [int(text[6:-1]) for text in site.ranges()[1:]]
    assert starts == sorted(set(starts))
    assert starts[0] > len(CONTENT) // 3
    assert all(request["If-Range"] == '"1"' for request in site.requests[1:])


@pytest.mark.parametrize("md5", ["", MD5])
def test_server_without_ranges_sends_the_file_again(site: Site, tmp_path: Path, md5: str) -> None:
    site.supports_ranges = False
    site.faults = ["drop", "drop"]
    fetch(site.url, tmp_path, md5=md5)
    assert whole(tmp_path)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_client_errors_are_not_tried_again(site: Site, tmp_path: Path, status: int) -> None:
    site.faults = [status]
    with pytest.raises(
        DownloadError,
        match=f"{site.url}: answers {status} .*; check the address and that it is public",
    ):
        fetch(site.url, tmp_path)
    assert len(site.requests) == 1


def test_web_page_is_refused(site: Site, tmp_path: Path) -> None:
    site.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(DownloadError, match="answers with a web page"):
        fetch(site.url, tmp_path)
    site.content, site.headers = b"<!DOCTYPE html><p>sign in", {}
    with pytest.raises(DatasetError, match="is a web page"):
        fetch(site.url, tmp_path)
    site.content = b"not an archive"
    with pytest.raises(DatasetError, match="not a zip or tar"):
        fetch(site.url, tmp_path)
    assert not (tmp_path / "fan.zip").exists()
