"""Archives that are used in the folder that keeps downloads."""

from pathlib import Path

import pytest

from stethoscope.datasets.prepare import archives_in, prepare
from stethoscope.errors import DatasetError
from tests.datasets.download.conftest import Site


def test_an_archive_in_place_is_read_where_it_is_kept_and_only_there(
    site: Site, fan_archive: Path, tmp_path: Path
) -> None:
    site.content = fan_archive.read_bytes()
    recordings, cache = tmp_path / "recordings", str(tmp_path / "cache")
    prepare(site.url, recordings, tmp_path / "clips.csv", cache=cache, in_place=True)
    assert sum(path.stat().st_size for path in recordings.rglob("*")) < 500
    (archive,) = archives_in(recordings, cache=cache)
    assert archive.is_relative_to(cache)
    assert archive.read_bytes() == site.content

    for other in ("", str(tmp_path / "elsewhere")):
        with pytest.raises(DatasetError, match="no longer in the folder of downloads"):
            archives_in(recordings, cache=other)

    site.content, site.headers = site.content + b"\0", {"ETag": '"2"'}
    prepare(site.url, tmp_path / "b", tmp_path / "b.csv", cache=cache, in_place=True)
    with pytest.raises(DatasetError, match="start the run with --no-cache"):
        archives_in(recordings, cache=cache)


def test_without_a_folder_for_downloads_the_archive_is_beside_the_table(
    site: Site, fan_archive: Path, tmp_path: Path
) -> None:
    site.content = fan_archive.read_bytes()
    prepare(site.url, tmp_path / "recordings", tmp_path / "clips.csv", in_place=True)
    (archive,) = archives_in(tmp_path / "recordings")
    assert archive.parent == tmp_path / "recordings"
