"""What identifies the recordings of a data set, before they are fetched."""

import os
from pathlib import Path

import pytest

from stethoscope.datasets.download import fingerprint as module
from stethoscope.datasets.download.fingerprint import fingerprint
from tests.datasets.download.conftest import MD5, Site

DATE = "Thu, 01 Oct 2020 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "changed"),
    [
        ({"ETag": '"1"'}, {"ETag": '"2"'}),
        ({"Last-Modified": DATE}, {"Last-Modified": DATE.replace("2020", "2021")}),
    ],
)
def test_file_on_the_web_is_identified_by_tag_or_date_without_its_content(
    site: Site, headers: dict[str, str], changed: dict[str, str]
) -> None:
    site.headers = headers
    first = fingerprint(site.url)
    assert fingerprint(site.url) == first
    site.headers = changed
    assert fingerprint(site.url) != first


def test_file_of_unknown_version_is_never_reused(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.headers = {}
    assert fingerprint(site.url) != fingerprint(site.url)
    assert "its version is not known" in capsys.readouterr().out
    assert fingerprint("http://127.0.0.1:9/a.zip") != fingerprint("http://127.0.0.1:9/a.zip")


def test_known_md5_needs_no_request(site: Site) -> None:
    assert fingerprint(site.url, md5=MD5) == fingerprint(site.url, md5=MD5)
    assert fingerprint("dcase2020/pump") == fingerprint("dcase2020/pump")
    assert not site.requests


def test_simulated_set_is_identified_by_its_options_and_seed() -> None:
    url = "simulated/fan"
    assert fingerprint(url) == fingerprint(url)
    assert len({fingerprint(url), fingerprint(f"{url}?ids=1"), fingerprint(url, seed=1)}) == 3


@pytest.mark.parametrize("address", ["{path}", "file://{path}"])
def test_file_and_folder_are_identified_by_names_sizes_and_dates(
    tmp_path: Path, address: str
) -> None:
    archive, folder = tmp_path / "a.zip", tmp_path / "week"
    archive.write_bytes(b"x")
    (folder / "monday").mkdir(parents=True)
    (folder / "monday" / "1.wav").write_bytes(b"x")
    for path, changed in ((archive, archive), (folder, folder / "monday" / "1.wav")):
        url = address.format(path=path)
        first = fingerprint(url)
        assert fingerprint(url) == first
        os.utime(changed, ns=(1, 1))
        second = fingerprint(url)
        assert second != first
    (folder / "2.wav").write_bytes(b"x")
    assert fingerprint(url) != second
    assert fingerprint(str(tmp_path / "absent.zip")) != fingerprint(str(tmp_path / "absent.zip"))


def test_fingerprint_changes_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint("simulated/fan")
    monkeypatch.setattr(module, "code_digest", lambda: "other")
    assert fingerprint("simulated/fan") != before
