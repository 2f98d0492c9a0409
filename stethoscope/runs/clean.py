"""What runs that were stopped or failed have left, and deleting it."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stethoscope.errors import ParameterError
from stethoscope.files import TEMPORARY
from stethoscope.kubeflow.folder import LOG, RECORD, SUMMARY, WORK, RunFolder, delete
from stethoscope.terminal import text_table

_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Leftover:
    """Outputs of the steps of a run that is not going on.

    Attributes
    ----------
    folder : Path
        Folder of the run.
    paths : tuple of Path
        What can be deleted.
    state : str
        ``failed``, ``stopped`` or ``finished``.
    age : float
        Time since the run wrote its last line, in seconds.
    size : int
        Bytes that deleting sets free.
    """

    folder: Path
    paths: tuple[Path, ...]
    state: str
    age: float
    size: int


def find_leftovers(places: Sequence[Path], *, older_than: float = 0.0) -> list[Leftover]:
    """Return what runs have left, the oldest first.

    The outputs that a finished run was told to keep are not listed, nor those of a run that is
    going on.

    Parameters
    ----------
    places : sequence of Path
        Folders of runs, or folders that hold such folders.
    older_than : float
        Least age, in days.

    Raises
    ------
    ParameterError
        If a place is not a folder.
    """
    for place in places:
        if not place.is_dir():
            raise ParameterError(f"{place}: is not a folder; name one that holds runs")
    found = [one for place in places for folder in _runs(place) if (one := _leftover(folder))]
    return sorted((one for one in found if one.age >= older_than * _DAY), key=lambda one: -one.age)


def _runs(place: Path) -> Iterator[Path]:
    """Yield the folders of runs in a folder; runs of a sweep lie in that of the sweep."""
    for folder, names, files in os.walk(place):
        if RECORD in files or (LOG in files and WORK in names):
            yield Path(folder)
        names[:] = sorted(name for name in names if name != WORK)


def _leftover(path: Path) -> Leftover | None:
    folder = RunFolder(path)
    # Versions before the one that notes a state left a log in any case, a summary at the end.
    state = folder.state() or ("finished" if (path / SUMMARY).exists() else "stopped")
    kept = state == "finished" and folder.record().get("keep", True)
    paths = [*path.glob(f".*{TEMPORARY}"), *([] if kept else path.glob(WORK))]
    if state == "running" or folder.is_locked() or not paths:
        return None
    return Leftover(path, tuple(paths), state, _age(path), sum(map(_size, paths)))


def _age(folder: Path) -> float:
    """Return how long ago a run wrote something, in seconds."""
    dates = [one.stat().st_mtime for one in map(folder.joinpath, (RECORD, LOG)) if one.exists()]
    return max(0.0, time.time() - max(dates, default=0.0))


def _size(path: Path) -> int:
    """Return how many bytes deleting sets free: files with a further link do not count."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if not one.is_dir()]
    total = 0
    for one in files:
        with suppress(OSError):  # it was deleted meanwhile
            found = one.lstat()
            total += found.st_size if found.st_nlink == 1 else 0
    return total


def delete_leftovers(leftovers: Sequence[Leftover]) -> None:
    """Delete what runs have left, except runs that were continued meanwhile."""
    for one in leftovers:
        with suppress(ParameterError), RunFolder(one.folder).locked():
            for path in one.paths:
                delete(path)


def describe_leftovers(leftovers: Sequence[Leftover]) -> list[str]:
    """Return a table of what runs have left."""
    rows = [
        (str(one.folder), one.state, f"{one.age / _DAY:.1f}", f"{one.size / 1e6:.1f}")
        for one in leftovers
    ]
    return text_table([("run", "state", "days ago", "MB"), *rows], align="<<>>")
