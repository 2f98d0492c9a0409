"""Recording sessions in the names of recordings and of their folders."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import PurePosixPath

GAP_HOURS = 6.0
"""Hours without a recording between two sessions that are known by the times of their files."""

_SESSION = re.compile(r"(?:^|_)session[_-]?(?P<name>[A-Za-z0-9-]+)(?=_|$)", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:day|week|visit|take|round|shift)[ _-]?\d+", re.IGNORECASE)
_DATE = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<dash>[-.]?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
    r"(?=\D|$|\d{4}(?:\d\d)?(?!\d))"
)  # the time of day may follow


def session_of_path(path: PurePosixPath) -> tuple[str, PurePosixPath]:
    """Return the session that the name of a recording states, and the path without its mention.

    It is the text after ``session_`` in the name of a folder or of the recording, else the name of
    a folder such as ``day 2``, else a date in one of them: recordings of a day are a session.
    Folders that name nothing else, and the mention in the recording's name, are left out of the
    returned path; dates in the recording's name stay.

    Parameters
    ----------
    path : PurePosixPath
        Path of the recording inside its archive or folder.

    Returns
    -------
    session : str
        Empty if the path states none.
    path : PurePosixPath

    Examples
    --------
    >>> session_of_path(PurePosixPath("fan/train/session_2/normal_id_00_0001.wav"))
    ('2', PurePosixPath('fan/train/normal_id_00_0001.wav'))
    >>> session_of_path(PurePosixPath("fan/train/2026-03-14/normal_id_00_0001.wav"))
    ('2026-03-14', PurePosixPath('fan/train/normal_id_00_0001.wav'))
    """
    named = [match["name"] for part in _stems(path) if (match := _SESSION.search(part))]
    numbered = [part for part in reversed(path.parent.parts) if _NUMBERED.fullmatch(part)]
    days = [day for part in _stems(path) if (day := day_of_name(part))]
    return (*named, *numbered, *days, "")[0], _without_session(path)


def day_of_name(name: str) -> str:
    """Return the date in a name as ``2026-03-14``; empty if it has none.

    It is written as 20260314 or 2026-03-14, and may be followed by the time of day.
    """
    for match in _DATE.finditer(name):
        try:
            return date(*map(int, match.group("year", "month", "day"))).isoformat()
        except ValueError:
            continue
    return ""


def sessions_of_times(times: Sequence[float]) -> list[str]:
    """Return the session of each recording of a machine, by when its file was written.

    A session ends where no recording follows for `GAP_HOURS`. Its name is the time of its first
    recording, in UTC.

    Parameters
    ----------
    times : sequence of float
        In seconds since 1970; 0 where a time is not known.

    Returns
    -------
    list of str
        Empty names if the times belong to one session only, or one of them is not known.
    """
    unknown = [""] * len(times)
    if not times or min(times) <= 0.0:
        return unknown
    names: dict[float, str] = {}
    last, name = -math.inf, ""
    for time in sorted(set(times)):
        if time - last > 3600.0 * GAP_HOURS:
            name = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")
        names[time], last = name, time
    return [names[time] for time in times] if len(set(names.values())) > 1 else unknown


def _stems(path: PurePosixPath) -> list[str]:
    """Return the names of a path, the recording's first and then its folders from within."""
    return [path.stem, *reversed(path.parent.parts)]


def _without_session(path: PurePosixPath) -> PurePosixPath:
    folders = [part for part in path.parent.parts if not _names_only_a_session(part)]
    return PurePosixPath(*folders, _SESSION.sub("", path.stem) + path.suffix)


def _names_only_a_session(folder: str) -> bool:
    if _NUMBERED.fullmatch(folder):
        return True
    rest = _DATE.sub("", _SESSION.sub("", folder))
    return rest != folder and not rest.strip("T_ -.:0123456789")
