"""The verdict on a long recording: that of its windows, and the stretches that are anomalous."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stethoscope.bundle.verdict import Stretch, Timeline, Verdict
from stethoscope.sound.suitability import Finding

SPAN = 5
"""Consecutive windows that decide whether they are a stretch of anomalous sound."""

LEAST_ANOMALOUS = 3
"""Fewest anomalous ones among them."""

_MOST_NAMED = 3
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a long recording: its start and end in seconds, and what was found.

    Exactly one of `verdict` and `refusal` is not None.
    """

    start: float
    end: float
    verdict: Verdict | None
    refusal: Finding | None = None


def verdict_of_windows(windows: Sequence[Window], *, window: float, step: float) -> Verdict:
    """Return the verdict on a long recording.

    Its score is the median of those of its windows, of an even number the lower one. It is
    anomalous if that exceeds the threshold, so if more than half of the windows are. Message and
    probabilities are those of the windows with the same decision: the most frequent message, and
    the mean of the probabilities. The message also names the stretches of anomalous sound.

    Parameters
    ----------
    windows : sequence of Window
        In the order of their starts; at least one has a verdict.
    window, step : float
        Their length and step, in seconds.
    """
    judged = [one.verdict for one in windows if one.verdict]
    middle = sorted(judged, key=lambda one: one.score)[(len(judged) - 1) // 2]
    alike = [one for one in judged if one.anomaly == middle.anomaly]
    stretches = tuple(find_stretches(windows))
    message = Counter(one.message for one in alike).most_common(1)[0][0]
    distances = sorted(one.fault_distance for one in alike if one.fault_distance is not None)
    shares = zip(*(one.probabilities for one in alike), strict=True)
    events = [event for one in windows if one.verdict for event in _events(one)]
    return replace(
        middle,
        message=_with_stretches(message, stretches, anomaly=middle.anomaly),
        probabilities=tuple(sum(share) / len(alike) for share in shares)
        if middle.labels
        else middle.probabilities,
        fault_distance=distances[(len(distances) - 1) // 2] if distances else None,
        events=None if middle.events is None else tuple(events),
        warnings=tuple(_warnings(judged)),
        timeline=Timeline(
            window=window,
            step=step,
            starts=tuple(one.start for one in windows),
            scores=tuple(one.verdict.score if one.verdict else None for one in windows),
            anomalous=sum(one.anomaly for one in judged),
            stretches=stretches,
            refused=tuple((one.start, one.end, one.refusal) for one in windows if one.refusal),
        ),
    )


def find_stretches(windows: Sequence[Window]) -> list[Stretch]:
    """Return where at least 3 of 5 consecutive windows are anomalous.

    A stretch reaches from the first anomalous window to the last one. A refused window counts as
    not anomalous.
    """
    anomalous = [one.verdict is not None and one.verdict.anomaly for one in windows]
    inside = [False] * len(windows)
    for first in range(max(1, len(windows) - SPAN + 1)):
        found = [i for i in range(first, min(first + SPAN, len(windows))) if anomalous[i]]
        if len(found) >= LEAST_ANOMALOUS:
            inside[found[0] : found[-1] + 1] = [True] * (found[-1] + 1 - found[0])
    stretches: list[Stretch] = []
    previous = False
    for one, now in zip(windows, inside, strict=True):
        if now:
            start = stretches.pop()[0] if previous else one.start
            stretches.append((start, one.end))
        previous = now
    return stretches


def clock(seconds: float) -> str:
    """Return a time within a recording for people: ``3:20`` or ``1:03:20``."""
    total = round(seconds)
    minutes, rest = divmod(total % _HOUR, 60)
    hours = total // _HOUR
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _with_stretches(message: str, stretches: Sequence[Stretch], *, anomaly: bool) -> str:
    if not stretches:
        return message
    named = [f"{clock(start)} to {clock(end)}" for start, end in stretches[:_MOST_NAMED]]
    more = f" and {len(stretches) - _MOST_NAMED} more" if len(stretches) > _MOST_NAMED else ""
    return f"{message}, {'' if anomaly else 'but '}anomalous from {', '.join(named)}{more}"


def _warnings(judged: Sequence[Verdict]) -> Iterator[Finding]:
    """Yield each kind of warning once, with the number of windows that have it."""
    first: dict[str, Finding] = {}
    counts: Counter[str] = Counter()
    for verdict in judged:
        for finding in verdict.warnings:
            first.setdefault(finding.reason, finding)
            counts[finding.reason] += 1
    for reason, finding in first.items():
        where = f"in {counts[reason]} of {len(judged)} windows, at first: "
        yield replace(finding, message=where + finding.message)


def _events(window: Window) -> list[Any]:
    """Return the events of a window, at their times in the recording."""
    found = (window.verdict.events if window.verdict else None) or ()
    return [
        replace(
            event,
            start=event.start + window.start,
            end=event.end + window.start,
            reported_at=event.reported_at + window.start,
        )
        for event in found
    ]
