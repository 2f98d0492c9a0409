"""Layouts of data sets: from the names of recordings to the table of clips.

Each layout reads an archive and returns the recordings that fit it. `index` tries all layouts and
takes the one that most recordings fit; where none does, the recordings are read as plain folders. A
further layout is a module of `readers` and an entry of `LAYOUTS`.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from stethoscope.counts import count
from stethoscope.datasets.archives import Archive, Member, open_archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.names import natural_order
from stethoscope.datasets.readers.audacity import AUDACITY
from stethoscope.datasets.readers.dcase import DCASE2020, DCASE2021
from stethoscope.datasets.readers.folders import FOLDERS
from stethoscope.datasets.readers.layout import Layout
from stethoscope.datasets.readers.mimii import MIMII
from stethoscope.datasets.readers.table import TABLE
from stethoscope.datasets.readers.urbansound8k import URBANSOUND8K
from stethoscope.datasets.splits import divide_plainly
from stethoscope.errors import DatasetError, ParameterError, shown
from stethoscope.progress import warn
from stethoscope.sound.formats import SUFFIXES

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (DCASE2020, DCASE2021, MIMII, AUDACITY, URBANSOUND8K, TABLE, FOLDERS)
}

_TABLES = (".csv", ".tsv", ".xls", ".xlsx", ".ods")


@dataclass(frozen=True, slots=True)
class Survey:
    """What archives hold, before any recording is decoded.

    Attributes
    ----------
    clips : list of Clip
    layouts : dict of str to str
        Name of the layout by file name of the archive; ``""`` where none fits.
    unmatched : list of tuple of str
        Archive and name of each recording that does not fit the layout of its archive.
    """

    clips: list[Clip]
    layouts: dict[str, str]
    unmatched: list[tuple[str, str]]


def index(archives: Sequence[str | os.PathLike[str]], layout: str = "auto") -> list[Clip]:
    """Make the table of clips of a data set.

    Parameters
    ----------
    archives : sequence of paths
        Archives or folders that together are the set, for example MIMII's three signal-to-noise
        ratios.
    layout : str
        A name in `LAYOUTS`, or ``auto``.

    Returns
    -------
    list of Clip
        In order of archive and name.

    Raises
    ------
    DatasetError
        If an archive is broken, holds no recordings, or fits no layout.
    ParameterError
        If there is no such layout.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(open_archive(path)) for path in archives]
        found = survey(opened, layout)
        for archive in opened:
            if not found.layouts[archive.name]:
                raise DatasetError(_unknown_layout(archive, layout))
    if found.unmatched:
        source, name = found.unmatched[0]
        warn(
            f"{count(len(found.unmatched), 'recording')} left out, because the name does not fit"
            f" the layout; the first is {name} in {source}"
        )
    return found.clips


def survey(archives: Sequence[Archive], layout: str = "auto") -> Survey:
    """Make the table of clips of open archives, and list the recordings that do not fit.

    Raises
    ------
    DatasetError
        If there are no archives, two have the same name, or one is broken or holds no recordings.
    ParameterError
        If there is no such layout.
    """
    candidates = _candidates(layout)
    if not archives:
        raise DatasetError("no archive is given; give a zip, a tar or a folder")
    layouts: dict[str, str] = {}
    clips: defaultdict[str, list[Clip]] = defaultdict(list)
    unmatched: list[tuple[str, str]] = []
    for archive in archives:
        if archive.name in layouts:
            raise DatasetError(f"{archive.name}: is given twice; rename one of the archives")
        if links := archive.links():
            warn(
                f"{archive.name}: {len(links)} link(s) are left out; the first is"
                f" {shown(links[0])}; put what they link to in their place"
            )
        chosen, rows = _best_fit(archive, candidates)
        layouts[archive.name] = chosen.name if rows else ""
        clips[chosen.name] += rows
        if rows:
            known = {clip.path for clip in rows}
            names = (member.name for member in archive.recordings())
            unmatched += [(archive.name, name) for name in names if name not in known]
    divided = [clip for name, rows in clips.items() for clip in LAYOUTS[name].divide(rows)]
    if all(clip.split == "train" for clip in divided):
        divided = divide_plainly(divided)
    return Survey(divided, layouts, unmatched)


def _candidates(layout: str) -> list[Layout]:
    if layout == "auto":
        return [one for one in LAYOUTS.values() if not one.fallback]
    if layout not in LAYOUTS:
        raise ParameterError(f"layout is {layout!r}; choose auto, {', '.join(LAYOUTS)}")
    return [LAYOUTS[layout]]


def _best_fit(archive: Archive, candidates: Sequence[Layout]) -> tuple[Layout, list[Clip]]:
    """Return the layout that most recordings fit, and their clips in order of their names."""
    if not archive.recordings():
        members = archive.members()
        found = f"; found {_examples(members)}" if members else ""
        raise DatasetError(f"{archive.name}: holds no recordings ({', '.join(SUFFIXES)}){found}")
    chosen, rows = max(
        ((candidate, candidate.read(archive)) for candidate in candidates),
        key=lambda pair: len(pair[1]),
    )
    if not rows and len(candidates) > 1:
        chosen, rows = FOLDERS, FOLDERS.read(archive)
        _warn_of_tables(archive)
    ordered = sorted(rows, key=lambda clip: natural_order(clip.path))
    return chosen, [replace(clip, source=archive.name) for clip in ordered]


def _warn_of_tables(archive: Archive) -> None:
    """Warn of a table that is not used: without it, all recordings might count as normal."""
    tables = [one.name for one in archive.members() if one.name.lower().endswith(_TABLES)]
    if tables:
        warn(
            f"{archive.name}: {shown(tables[0])} is not used; a table that describes recordings is"
            " a CSV file with a row for each, and its first line names the columns path and"
            " condition"
        )


def _unknown_layout(archive: Archive, layout: str) -> str:
    recordings = archive.recordings()
    known = ", ".join(f"{one.name} ({one.example})" for one in LAYOUTS.values())
    return (
        f"{archive.name}: {len(recordings)} recordings do not fit the layout {layout},"
        f" for example {_examples(recordings)}; layouts known: {known}"
    )


def _examples(members: Iterable[Member]) -> str:
    names = [member.name for member in members]
    return ", ".join(dict.fromkeys((names[0], names[len(names) // 2], names[-1])))
