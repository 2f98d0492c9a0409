"""What the page of a history shows, counted by the database."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from stethoscope.watch.history import Alarm, History

BUCKETS = 400
"""Most points of a chart of scores."""

SPANS = {"day": 86_400.0, "week": 7 * 86_400.0, "month": 30 * 86_400.0, "year": 365 * 86_400.0}
"""Spans of time that the page offers, in seconds; without one it shows everything."""

_LEAST_GAP = 3600.0
_GAP_FACTOR = 5.0
_DRIFT_PART = 0.2
_LEAST_FOR_DRIFT = 20
_MOST_ROWS = 50

_FIRST = """
select avg(score), avg(score * score) from (
  select score from recordings indexed by recordings_by_machine
  where machine = ? and recorded_at between ? and ? and state = 'judged'
  order by recorded_at limit ?)
"""
_LAST = _FIRST.replace("order by recorded_at", "order by recorded_at desc")
_ANOMALOUS = """
select id, path, recorded_at, machine, state, anomaly, score, threshold, message
from recordings indexed by recordings_by_time
where recorded_at between ? and ? and state = 'judged' and anomaly = 1
order by recorded_at desc limit ?
"""
_UNUSABLE = """
select id, path, recorded_at, machine, state, anomaly, score, threshold, message
from recordings indexed by recordings_unusable
where recorded_at between ? and ? and state <> 'judged'
order by recorded_at desc limit ?
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The judged recordings of a machine in a short time.

    Attributes
    ----------
    begin : float
        In seconds since 1970.
    low, mean, high : float
        Of their scores.
    threshold : float
        Mean.
    n, n_anomalous : int
    """

    begin: float
    low: float
    mean: float
    high: float
    threshold: float
    n: int
    n_anomalous: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without recordings of a machine, in seconds since 1970."""

    begin: float
    end: float

    @property
    def hours(self) -> float:
        """Duration."""
        return (self.end - self.begin) / 3600.0


@dataclass(frozen=True, slots=True)
class MachineOverview:
    """A machine in a span of time.

    Attributes
    ----------
    machine : str
    n, n_anomalous : int
        Judged recordings.
    last : float
        Time of the last one, in seconds since 1970.
    alarm : Alarm or None
        The one that lasts.
    drift : float or None
        How much higher the mean score of the last fifth of the recordings is than that of the first
        fifth, in standard deviations of the first; None with few recordings.
    gaps : tuple of Gap
        The longest times without recordings, the longest first.
    hours_without : float
        Of all gaps together.
    buckets : tuple of Bucket
    """

    machine: str
    n: int
    n_anomalous: int
    last: float
    alarm: Alarm | None
    drift: float | None
    gaps: tuple[Gap, ...]
    hours_without: float
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A recording as a row of a table."""

    number: int
    path: str
    recorded_at: float
    machine: str
    state: str
    anomaly: bool
    score: float | None
    threshold: float | None
    message: str


@dataclass(frozen=True, slots=True)
class Overview:
    """A history in a span of time.

    Attributes
    ----------
    begin, end : float
        In seconds since 1970.
    machines : tuple of MachineOverview
    alarms : tuple of Alarm
        Those of the span, the newest first.
    anomalous, unusable : tuple of RecordingRow
        The last anomalous recordings, and the last ones without a verdict.
    n_unusable : int
    undelivered : tuple of (str, int, str)
        Target, number and last error of messages that could not be delivered.
    """

    begin: float
    end: float
    machines: tuple[MachineOverview, ...]
    alarms: tuple[Alarm, ...]
    anomalous: tuple[RecordingRow, ...]
    unusable: tuple[RecordingRow, ...]
    n_unusable: int
    undelivered: tuple[tuple[str, int, str], ...]


def overview(history: History, *, span: str = "") -> Overview:
    """Count a history.

    Parameters
    ----------
    history : History
    span : str
        A name in :data:`SPANS`: the last day, week, month or year before the last recording. Else
        everything.
    """
    first, last = history.rows("select min(recorded_at), max(recorded_at) from recordings")[0]
    if last is None:
        first = last = time.time()
    begin = max(first, last - SPANS[span]) if span in SPANS else first
    end = last
    alarms = history.alarms()
    bounds = (begin, end)
    return Overview(
        begin=begin,
        end=end,
        machines=_machines(history, begin, end, alarms),
        alarms=tuple(
            one
            for one in alarms
            if one.raised_at <= end and (one.cleared_at is None or one.cleared_at >= begin)
        ),
        anomalous=_recordings(history, _ANOMALOUS, bounds),
        unusable=_recordings(history, _UNUSABLE, bounds),
        n_unusable=history.rows(
            "select count(*) from recordings indexed by recordings_unusable"
            " where recorded_at between ? and ? and state <> 'judged'",
            bounds,
        )[0][0],
        undelivered=tuple(history.undelivered()),
    )


def _machines(
    history: History, begin: float, end: float, alarms: Sequence[Alarm]
) -> tuple[MachineOverview, ...]:
    active = {one.machine: one for one in alarms if one.cleared_at is None}
    width = max((end - begin) / BUCKETS, 1e-6)
    buckets: dict[str, list[Bucket]] = {}
    for machine, place, *values in history.rows(
        "select machine, cast((recorded_at - ?) / ? as integer) as place, min(score), avg(score),"
        " max(score), avg(threshold), count(*), sum(anomaly)"
        " from recordings indexed by recordings_by_machine"
        " where recorded_at between ? and ? and state = 'judged' group by machine, place",
        (begin, width, begin, end),
    ):
        buckets.setdefault(machine, []).append(Bucket(begin + width * place, *values))
    return tuple(
        _machine(history, machine, found, begin, end, active.get(machine))
        for machine, found in sorted(buckets.items())
    )


def _machine(
    history: History,
    machine: str,
    buckets: list[Bucket],
    begin: float,
    end: float,
    alarm: Alarm | None,
) -> MachineOverview:
    n = sum(bucket.n for bucket in buckets)
    last, gaps = _last_and_gaps(history, machine, begin, end)
    return MachineOverview(
        machine=machine,
        n=n,
        n_anomalous=sum(bucket.n_anomalous for bucket in buckets),
        last=last,
        alarm=alarm,
        drift=_drift(history, machine, begin, end, n),
        gaps=gaps[:10],
        hours_without=sum(gap.hours for gap in gaps),
        buckets=tuple(buckets),
    )


def _last_and_gaps(
    history: History, machine: str, begin: float, end: float
) -> tuple[float, tuple[Gap, ...]]:
    """Return when the last recording was made, and the times without recordings.

    These are five times as long as the usual interval, and at least an hour.
    """
    rows = history.rows(
        "with steps as (select lag(recorded_at) over (order by recorded_at) as before,"
        " recorded_at as after from recordings indexed by recordings_by_machine"
        " where machine = ? and recorded_at between ? and ?)"
        " select before, after from steps where after - before > ?"
        " order by after - before desc limit 1000",
        (machine, begin, end, _LEAST_GAP),
    )
    n, first, last = history.rows(
        "select count(*), min(recorded_at), max(recorded_at) from recordings"
        " where machine = ? and recorded_at between ? and ?",
        (machine, begin, end),
    )[0]
    # Pauses lengthen the mean interval; without them it is that of the recordings in a row.
    paused = sum(after - before for before, after in rows)
    in_a_row = (last - first - paused) / max(n - 1 - len(rows), 1)
    least = max(_LEAST_GAP, _GAP_FACTOR * in_a_row)
    return last, tuple(Gap(before, after) for before, after in rows if after - before > least)


def _drift(history: History, machine: str, begin: float, end: float, n: int) -> float | None:
    part = int(_DRIFT_PART * n)
    if part < _LEAST_FOR_DRIFT:
        return None
    bounds = (machine, begin, end, part)
    moments = [history.rows(query, bounds)[0] for query in (_FIRST, _LAST)]
    (first, square), (last, _) = moments
    deviation = max(square - first * first, 0.0) ** 0.5
    return (last - first) / deviation if deviation > 0.0 else None


def _recordings(
    history: History, query: str, bounds: tuple[float, float]
) -> tuple[RecordingRow, ...]:
    rows = history.rows(query, (*bounds, _MOST_ROWS))
    return tuple(
        RecordingRow(number, path, recorded_at, machine, state, bool(anomaly), *rest)
        for number, path, recorded_at, machine, state, anomaly, *rest in rows
    )
