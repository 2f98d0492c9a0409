import json
from pathlib import Path

import pytest

from stethoscope.datasets.download import retries
from stethoscope.datasets.download.fetch import fetch
from stethoscope.errors import DownloadError
from tests.datasets.download.conftest import CONTENT, MD5, Site, make_zip, whole


def test_download_without_version_is_resumed_only_with_an_md5(site: Site, tmp_path: Path) -> None:
    site.headers = {}
    site.faults = ["drop"]
    fetch(site.url, tmp_path / "a")
    assert site.ranges() == ["", ""]
    site.faults = ["drop"]
    fetch(site.url, tmp_path / "b", md5=MD5)
    assert site.ranges()[3].startswith("bytes=")
    assert whole(tmp_path / "a")
    assert whole(tmp_path / "b")


@pytest.mark.parametrize("md5", ["", MD5])
@pytest.mark.parametrize(
    "headers",
    [{"ETag": '"1"'}, {"Last-Modified": "Wed, 21 Oct 2025 07:28:00 GMT"}, {"ETag": 'W/"1"'}, {}],
)
def test_parts_of_two_versions_are_never_joined(
    site: Site, tmp_path: Path, headers: dict[str, str], md5: str
) -> None:
    site.content, site.headers = make_zip(4 << 20), headers
    site.faults = ["drop"] + [503] * retries.ATTEMPTS
    with pytest.raises(DownloadError):
        fetch(site.url, tmp_path, md5=md5)
    site.content, site.headers = (
        CONTENT,
        {name: value.replace("1", "2") for name, value in headers.items()},
    )
    fetch(site.url, tmp_path, md5=md5)
    assert whole(tmp_path)


def test_beginning_of_another_file_is_discarded(site: Site, tmp_path: Path) -> None:
    (tmp_path / "fan.zip.part").write_bytes(b"something else")
    for note in (
        "not JSON",
        "[]",
        json.dumps({"url": "http://elsewhere/fan.zip", "validator": '"1"'}),
    ):
        (tmp_path / "fan.zip.part.json").write_text(note)
        fetch(site.url, tmp_path)
        assert whole(tmp_path)
    assert site.ranges() == ["", "", ""]


def test_beginning_as_long_as_the_file_or_longer_gives_the_file(site: Site, tmp_path: Path) -> None:
    note = json.dumps({"url": site.url, "validator": '"1"'})
    for beginning in (CONTENT, CONTENT + b"more"):
        (tmp_path / "fan.zip.part").write_bytes(beginning)
        (tmp_path / "fan.zip.part.json").write_text(note)
        fetch(site.url, tmp_path)
        assert whole(tmp_path)
