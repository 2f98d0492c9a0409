"""Finding new recordings in a folder, and only those that are no longer written."""

import os
import re
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stethoscope.errors import DatasetError
from stethoscope.sound.formats import SUFFIXES
from stethoscope.watch.history import Key

_TIME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[T _-]+"
    r"(\d\d)[-_.:h]?(\d\d)(?:[-_.:m]?(\d\d))?(?!\d)"
)


@dataclass(frozen=True, slots=True)
class NewRecording:
    """A recording that is not in the history.

    Attributes
    ----------
    path : Path
    key : Key
    recorded_at : float
        Time in its name, in local time, else when it was last changed; in seconds since 1970.
    """

    path: Path
    key: Key
    recorded_at: float


class WatchedFolder:
    """A folder, with its subfolders, into which recordings are written.

    Parameters
    ----------
    folder : Path
    known : iterable of Key
        Recordings that are in the history.
    settle_seconds : float
        A recording is complete if its size and time have not changed for so long.
    """

    def __init__(self, folder: Path, known: Iterable[Key], *, settle_seconds: float) -> None:
        self.folder = folder
        self._known = set(known)
        self._settle_seconds = settle_seconds
        self._seen: dict[str, tuple[int, int, float]] = {}

    def done(self, recording: NewRecording) -> None:
        """Leave a recording out from now on."""
        self._known.add(recording.key)
        self._seen.pop(recording.key[0], None)

    @property
    def pending(self) -> int:
        """Number of new recordings that may still be written."""
        return len(self._seen)

    def complete(self, *, after: float = 0.0) -> list[NewRecording]:
        """Return the new recordings that are complete, in the order in which they were made.

        Parameters
        ----------
        after : float
            Recordings from before this time are left out, in seconds since 1970.

        Raises
        ------
        DatasetError
            If the folder cannot be read.
        """
        now = time.monotonic()
        found = []
        there = set()
        for path in self._files():
            try:
                status = path.stat()
            except OSError:
                continue  # removed meanwhile
            if not stat.S_ISREG(status.st_mode):
                continue  # reading a pipe might never end
            key = (self._name(path), status.st_size, status.st_mtime_ns)
            recorded_at = time_of_name(path.stem) or status.st_mtime
            if key in self._known or recorded_at < after:
                continue
            there.add(key[0])
            size, modified, since = self._seen.get(key[0], (-1, -1, now))
            if (size, modified) != key[1:]:
                since = now
                self._seen[key[0]] = (*key[1:], since)
            if now - since >= self._settle_seconds:
                found.append(NewRecording(path, key, recorded_at))
        for name in self._seen.keys() - there:
            del self._seen[name]
        return sorted(found, key=lambda one: (one.recorded_at, one.key))

    def _name(self, path: Path) -> str:
        """Return the name in the folder; bytes that are no text are written as their codes."""
        name = path.relative_to(self.folder).as_posix()
        return name.encode(errors="backslashreplace").decode()

    def _files(self) -> list[Path]:
        def refuse(error: OSError) -> None:
            if Path(error.filename or "") == self.folder:
                raise DatasetError(
                    f"{self.folder}: {error.strerror}; create the folder or mount it"
                ) from error

        files = []
        for folder, subfolders, names in os.walk(self.folder, onerror=refuse):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            files += [
                Path(folder, name)
                for name in names
                if name.lower().endswith(SUFFIXES) and not name.startswith(".")
            ]
        return files


def time_of_name(name: str) -> float | None:
    """Return the time in a name such as ``pump_2026-03-14_09-30-00``, in seconds since 1970.

    It is local time. None if the name has none.
    """
    match = _TIME.search(name)
    if match is None:
        return None
    try:
        return datetime(*(int(part or 0) for part in match.groups())).timestamp()  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
