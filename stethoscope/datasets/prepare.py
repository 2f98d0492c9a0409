"""From an address to local archives and a table of their clips."""

import os
from dataclasses import dataclass
from pathlib import Path

from stethoscope.datasets.clips import write_clips
from stethoscope.datasets.download.fetch import fetch
from stethoscope.datasets.layouts import index
from stethoscope.datasets.usage import describe_usage


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
) -> Prepared:
    """Fetch the archives of a data set into the folder `recordings` and write the table `clips`.

    The parameters and errors are those of :func:`stethoscope.datasets.download.fetch.fetch` and
    :func:`stethoscope.datasets.layouts.index`. The default of `cache` is the environment variable
    STETHOSCOPE_CACHE.
    """
    fetched = fetch(
        dataset_url,
        recordings,
        md5=md5,
        seed=seed,
        cache=cache or os.environ.get("STETHOSCOPE_CACHE"),
    )
    table = index([one.path for one in fetched], layout)
    write_clips(clips, table)
    print("\n".join(describe_usage(table)))
    return Prepared(
        n_clips=len(table),
        metadata={
            "archives": ", ".join(one.name for one in fetched),
            "md5": ", ".join(one.md5 for one in fetched),
        },
    )


def archives_in(recordings: Path) -> list[Path]:
    """Return the archives that :func:`prepare` put into a folder."""
    return sorted(path for path in recordings.iterdir() if not path.name.startswith("."))
