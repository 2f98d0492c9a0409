from pathlib import Path

import pytest

from stethoscope.datasets import catalogue
from stethoscope.datasets.download.fetch import fetch
from stethoscope.datasets.layouts import index
from stethoscope.errors import DatasetError, DownloadError, ParameterError, StethoscopeError
from tests.datasets.download.conftest import CONTENT, MD5, SMALL, Site


def test_catalogue_name_checks_md5_and_size_of_the_catalogue(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def entry(md5: str, size: int) -> catalogue.Entry:
        return catalogue.Entry(
            name="mine/fan",
            title="",
            page="",
            url=site.url,
            md5=md5,
            bytes=size,
            licence="",
            layout="dcase2020",
        )

    for folder, md5, size, message in (
        ("a", MD5, 0, ""),
        ("b", "0" * 32, 0, "has MD5"),
        ("c", MD5, 5, f"has {len(CONTENT)} bytes, not 5"),
    ):
        known = {"mine/fan": entry(md5, size)}
        monkeypatch.setattr(catalogue, "entries", lambda known=known: known)
        if message:
            with pytest.raises(DownloadError, match=message):
                fetch("mine/fan", tmp_path / folder)
        else:
            assert fetch("mine/fan", tmp_path / folder)[0].url == site.url
    with pytest.raises(
        DownloadError, match=r"mine/fam: no such file or folder.*did you mean mine/fan\?"
    ):
        fetch("mine/fam", tmp_path)


def test_several_archives_take_one_md5_each(site: Site, tmp_path: Path) -> None:
    here = tmp_path / "0_dB_fan.zip"
    here.write_bytes(SMALL)
    fetched = fetch(f" {site.url} , {here},", tmp_path / "to", md5=f"{MD5},")
    assert [one.name for one in fetched] == ["fan.zip", "0_dB_fan.zip"]
    with pytest.raises(DownloadError, match=r"a second archive of the name 0_dB_fan\.zip"):
        fetch(f"{here},{here.as_uri()}", tmp_path / "to")
    comma = tmp_path / "a,b.zip"
    comma.write_bytes(SMALL)
    assert [one.name for one in fetch(str(comma), tmp_path / "to")] == ["a,b.zip"]


@pytest.mark.parametrize(
    ("address", "md5", "message"),
    [
        ("", "", "dataset_url is empty"),
        (" , ", "", "dataset_url is empty"),
        ("simulated/fan", "abc", "dataset_md5 is 'abc'"),
        ("simulated/fan", f"{MD5},{MD5}", "dataset_md5 has 2 value"),
        ("ftp://host/fan.zip", "", "ftp is not supported"),
        ("/no/such/folder", "", "No such file"),
        ("absent.zip", "", r"absent\.zip: No such file"),
        ("file:///no/such.zip", "", "No such file"),
        ("/" + "long" * 100 + ".zip", "", "File name too long"),
        ("file://[x.zip", "", "is not a valid address"),
        ("dcase2020/pumpe", "", r"did you mean dcase2020/pump"),
        ("simulated/fan?speed=3", "", "the simulator has no option 'speed'; it has .*snr_db"),
        ("simulated/fan?path=/etc/x", "", "the simulator has no option 'path'"),
        ("simulated/fan?ids=many", "", "ids is 'many'; give a number"),
        ("simulated/teapot", "", "teapot"),
        ("simulated/../../x", "", "x"),
        ("simulated/fan?layout=dcase1999", "", "dcase1999"),
    ],
)
def test_impossible_address_gives_one_line_and_leaves_nothing(
    tmp_path: Path, address: str, md5: str, message: str
) -> None:
    with pytest.raises(StethoscopeError, match=message) as caught:
        fetch(address, tmp_path / "to", md5=md5)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, (DownloadError, DatasetError, ParameterError))
    assert list((tmp_path / "to").glob("*")) == []


def test_real_archive_is_fetched(shared_data: Path, tmp_path: Path) -> None:
    (one,) = fetch((shared_data / "-6_dB_caridle.zip").as_uri(), tmp_path)
    assert one.bytes == 10399881
    assert {clip.snr_db for clip in index([one.path])} == {-6.0}
