"""Time labels in Audacity's format: what is heard in a recording, from when to when."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError
from stethoscope.options import split_list

UNNAMED = "event"
"""Label of an interval that its file gives no name."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A named stretch of a recording, in seconds."""

    start: float
    end: float
    label: str


def parse_labels(text: str, name: str) -> list[Interval]:
    """Read the label file that Audacity exports: start TAB end TAB name, a line per label, in
    seconds.

    Lines that begin with a backslash (the frequencies of a spectral selection) say nothing of time
    and are left out, and so are labels that mark a point. A comma is taken as a decimal point:
    Audacity writes what the system's language asks for.

    Parameters
    ----------
    text : str
    name : str
        What error messages call the file.

    Returns
    -------
    list of Interval
        In order of time.

    Raises
    ------
    DatasetError
        If a line is none of Audacity's; the message names the line.
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
                f"{name}, line {number}: {line[:60]!r} is not start TAB end TAB name; correct the line"
            ) from error
        if not (math.isfinite(start) and math.isfinite(end) and 0 <= start <= end):
            raise DatasetError(
                f"{name}, line {number}: {start:g} to {end:g} s is no stretch of a recording; correct the line"
            )
        if end > start:
            intervals.append(
                Interval(
                    start,
                    end,
                    fields[2].strip() if len(fields) > 2 and fields[2].strip() else UNNAMED,
                )
            )
    return sorted(intervals)


def recordings_of(clips: Sequence[Clip]) -> list[Clip]:
    """Return the rows of a table that stand for whole recordings, not for labelled intervals."""
    return [clip for clip in clips if not clip.label]


def intervals_of(
    clips: Sequence[Clip], positive: str = ""
) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Return the labelled intervals of every recording, by source and path, overlapping ones
    merged.

    Parameters
    ----------
    clips : sequence of Clip
        Rows of recordings and intervals.
    positive : str
        Labels that count, separated by commas; empty takes all.

    Returns
    -------
    dict of tuple of str to list of (float, float)
        Start and end, in seconds, in order; an empty list for a recording without one.

    Raises
    ------
    DatasetError
        If no interval has such a label; the message tells which labels there are.
    """
    wanted = set(split_list(positive))
    labels = {clip.label for clip in clips if clip.label}
    if not labels & wanted if wanted else not labels:
        there = (
            f"labels there are: {', '.join(sorted(labels)[:12])}"
            if labels
            else "no recording has a labelled interval"
        )
        raise DatasetError(f"no interval is labelled {positive or 'at all'}; {there}")
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
