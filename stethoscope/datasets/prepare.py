"""From an address to local archives and a table of their clips."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from stethoscope.datasets.clips import write_clips
from stethoscope.datasets.download.fetched import Fetched
from stethoscope.errors import DatasetError
from stethoscope.files import read_json, write_json

_ELSEWHERE = ".elsewhere.json"  # paths and MD5 of archives that are used where they are kept


@dataclass(frozen=True, slots=True)
class Prepared:
    """A data set that was prepared.

    Attributes
    ----------
    n_clips : int
    metadata : dict of str to str
        Name and MD5 of each archive.
    """

    n_clips: int
    metadata: dict[str, str]


def prepare(
    dataset_url: str,
    recordings: Path,
    clips: Path,
    *,
    layout: str = "auto",
    md5: str = "",
    seed: int = 0,
    cache: str = "",
    in_place: bool = False,
    background: str = "",
) -> Prepared:
    """Fetch the archives of a data set into the folder `recordings` and write the table `clips`.

    The parameters and errors are those of :func:`stethoscope.datasets.download.fetch.fetch` and
    :func:`stethoscope.datasets.layouts.index`. The default of `cache` is the environment variable
    STETHOSCOPE_CACHE. Downloads stay in the cache if it is given and they are to be used in place:
    the folder then holds a note of where they are. Every recording of the archives that
    `background` names is listed as background, whatever its label.
    """
    # Here: the steps that call `archives_in` need no client of the network and no simulator.
    from stethoscope.datasets.background import background_clips
    from stethoscope.datasets.download.fetch import fetch
    from stethoscope.datasets.layouts import index
    from stethoscope.datasets.usage import describe_usage

    kept = cache or os.environ.get("STETHOSCOPE_CACHE")
    fetched = fetch(
        dataset_url,
        recordings,
        md5=md5,
        seed=seed,
        cache=kept,
        in_place=in_place and bool(cache),
    )
    elsewhere = {str(one.path): one.md5 for one in fetched if one.path.parent != recordings}
    if elsewhere:
        write_json(recordings / _ELSEWHERE, elsewhere)
    table = index([one.path for one in fetched], layout)
    if background:
        others = _fetch_beside(background, recordings, seed, kept)
        table += background_clips([recordings / one.name for one in others])
        fetched += others
    write_clips(clips, table)
    print("\n".join(describe_usage(table)))
    return Prepared(
        n_clips=len(table),
        metadata={
            "archives": ", ".join(one.name for one in fetched),
            "md5": ", ".join(one.md5 for one in fetched),
        },
    )


def archives_in(recordings: Path, *, cache: str = "") -> list[Path]:
    """Return the archives that :func:`prepare` put into a folder, or left in the cache.

    Raises
    ------
    DatasetError
        If an archive is no longer in the cache, or another version of it.
    """
    archives = [path for path in recordings.iterdir() if not path.name.startswith(".")]
    note = recordings / _ELSEWHERE
    for name, md5 in (read_json(note) if note.is_file() else {}).items():
        from stethoscope.datasets.download.cache import noted_md5

        path = Path(name)
        if not (cache and path.is_relative_to(cache) and noted_md5(path) == md5 != ""):
            raise DatasetError(
                f"{path}: the archive of this run is no longer in the folder of downloads "
                f"{cache or '(none)'}; start the run with --no-cache to download it again"
            )
        archives.append(path)
    return sorted(archives, key=lambda path: path.name)


def _fetch_beside(address: str, folder: Path, seed: int, cache: str | None) -> list[Fetched]:
    """Fetch archives into a folder that has others already."""
    from stethoscope.datasets.download.fetch import fetch

    with tempfile.TemporaryDirectory(prefix=".", dir=folder) as scratch:
        fetched = fetch(address, scratch, seed=seed, cache=cache)
        for one in fetched:
            if (folder / one.name).exists():
                raise DatasetError(
                    f"{one.name}: is the name of an archive of recordings and of one of "
                    "background; rename one of them"
                )
            shutil.move(one.path, folder / one.name)
    return fetched
