"""Time labels in Audacity's format: named intervals of a recording."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError

UNNAMED = "event"
"""Label of an interval without a name in its file."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A named part of a recording, from `start` to `end`, in seconds."""

    start: float
    end: float
    label: str


def parse_labels(text: str, name: str) -> list[Interval]:
    """Read a label file as Audacity exports it: start TAB end TAB name, in seconds, a line each.

    Lines that begin with a backslash (the frequencies of a spectral selection) and labels of a
    single point in time are left out. A comma is read as a decimal point, because Audacity writes
    numbers in the system's language.

    Parameters
    ----------
    text : str
    name : str
        Name of the file in error messages.

    Returns
    -------
    list of Interval
        In order of time.

    Raises
    ------
    DatasetError
        If a line is not in this format; the message names the line.
    """
    intervals = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        fields = line.split("\t", 2)
        try:
            start, end = (float(field.strip().replace(",", ".")) for field in fields[:2])
        except ValueError as error:
            raise DatasetError(
                f"{name}, line {number}: {line[:60]!r} is not start TAB end TAB name;"
                " correct the line"
            ) from error
        if not (math.isfinite(start) and math.isfinite(end) and 0 <= start <= end):
            raise DatasetError(
                f"{name}, line {number}: {start:g} to {end:g} s is not a part of a recording;"
                " correct the line"
            )
        if end > start:
            label = fields[2].strip() if len(fields) > 2 else ""
            intervals.append(Interval(start, end, label or UNNAMED))
    return sorted(intervals)


def recordings_of(clips: Sequence[Clip]) -> list[Clip]:
    """Return the rows of whole recordings, without those of labelled intervals."""
    return [clip for clip in clips if not clip.label]


def intervals_of(
    clips: Sequence[Clip], wanted: Collection[str] = ()
) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Return the labelled intervals of each recording by source and path.

    Overlapping intervals are merged.

    Parameters
    ----------
    clips : sequence of Clip
        Rows of recordings and intervals.
    wanted : collection of str
        Labels of the intervals; empty takes all.

    Returns
    -------
    dict of tuple of str to list of (float, float)
        Start and end, in seconds, in order; an empty list for a recording without one.

    Raises
    ------
    DatasetError
        If no interval has such a label; the message names the existing labels.
    """
    labels = {clip.label for clip in clips if clip.label}
    if not (labels & set(wanted) if wanted else labels):
        raise DatasetError(_no_interval(wanted, sorted(labels)))
    found: dict[tuple[str, str], list[tuple[float, float]]] = {
        (clip.source, clip.path): [] for clip in clips
    }
    for clip in sorted(clips, key=lambda clip: clip.start):
        if not clip.label or (wanted and clip.label not in wanted):
            continue
        spans = found[clip.source, clip.path]
        if spans and clip.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], clip.end))
        else:
            spans.append((clip.start, clip.end))
    return found


def _no_interval(wanted: Collection[str], labels: Sequence[str]) -> str:
    if not labels:
        return "no recording has a labelled interval"
    found = ", ".join(labels[:12])
    return f"no interval has the label {' or '.join(wanted)}; labels found: {found}"
