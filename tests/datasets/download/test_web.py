import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stethoscope.datasets.download.fetch import fetch
from stethoscope.datasets.download.web import download
from stethoscope.errors import DatasetError, DownloadError
from tests.datasets.download.conftest import CONTENT, MD5, Site, whole


@pytest.mark.parametrize("suffix", ["", "?download=1", "?download=1#top"])
def test_file_keeps_its_original_name(site: Site, tmp_path: Path, suffix: str) -> None:
    (one,) = fetch(site.url + suffix, tmp_path / "new", md5=MD5.upper())
    assert whole(tmp_path / "new")
    assert (one.path, one.name, one.md5, one.bytes) == (
        tmp_path / "new" / "fan.zip",
        "fan.zip",
        MD5,
        len(CONTENT),
    )
    assert one.url == site.url + suffix


def test_file_with_the_right_md5_is_not_downloaded_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / "fan.zip").write_bytes(CONTENT)
    fetch(site.url, tmp_path, md5=MD5)
    assert site.requests == []
    fetch(site.url, tmp_path)
    assert len(site.requests) == 1
    assert whole(tmp_path)


def test_cut_off_file_is_found_without_a_content_length(site: Site, tmp_path: Path) -> None:
    site.sends_length = False
    fetch(site.url, tmp_path / "whole")
    assert whole(tmp_path / "whole")
    site.faults = ["drop"]
    with pytest.raises(DatasetError, match="cut-off zip"):
        fetch(site.url, tmp_path / "cut")
    site.faults = ["drop"]
    download(site.url, tmp_path / "whole", size=len(CONTENT))
    assert whole(tmp_path / "whole")


def test_killed_download_is_resumed_by_another_process(site: Site, tmp_path: Path) -> None:
    site.faults = ["hang"]
    code = (
        "import sys; from stethoscope.datasets.download.fetch import fetch;"
        " fetch(sys.argv[1], sys.argv[2])"
    )
    process = subprocess.Popen([sys.executable, "-c", code, site.url, str(tmp_path)])
    part = tmp_path / "fan.zip.part"
    deadline = time.monotonic() + 30
    while (
        not (part.exists() and part.stat().st_size > len(CONTENT) // 3)
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    arrived = part.stat().st_size
    assert 0 < arrived < len(CONTENT)
    assert not (tmp_path / "fan.zip").exists()
    site.release.set()
    (one,) = fetch(site.url, tmp_path)
    assert site.ranges() == ["", f"bytes={arrived}-"]
    assert one.md5 == MD5
    assert whole(tmp_path)


def test_wrong_md5_is_refused_and_leaves_nothing(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"has MD5 {MD5}, not {'0' * 32}"):
        fetch(site.url, tmp_path, md5="0" * 32)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "here.zip").write_bytes(CONTENT)
    with pytest.raises(DownloadError, match=f"has MD5 {MD5}, not {'0' * 32}"):
        fetch(str(tmp_path / "here.zip"), tmp_path / "to", md5="0" * 32)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="-6_dB_fan.zip"', "-6_dB_fan.zip"),
        ("attachment; filename*=UTF-8''L%C3%BCfter.zip", "Lüfter.zip"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="..\\\\..\\\\evil.zip"', "evil.zip"),
        ('attachment; filename=".."', "archive"),
        ("attachment", "content"),
    ],
)
def test_server_may_name_the_file_but_not_its_folder(
    site: Site, tmp_path: Path, header: str, name: str
) -> None:
    site.headers["Content-Disposition"] = header
    (one,) = fetch(site.url.replace("fan.zip", "content"), tmp_path)
    assert one.name == name
    assert whole(tmp_path, name)


def test_name_in_the_address_cannot_leave_the_folder(site: Site, tmp_path: Path) -> None:
    (one,) = fetch(site.url.replace("fan.zip", "..%2F..%2F-6_dB_fan.zip"), tmp_path)
    assert one.path == tmp_path / "-6_dB_fan.zip"
