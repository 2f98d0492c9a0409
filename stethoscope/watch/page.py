"""The page of a history, as one HTML document."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

from stethoscope.counts import count
from stethoscope.machines import format_machine
from stethoscope.report.charts import Axis, Chart, legend
from stethoscope.report.html import Content, Html, tag
from stethoscope.report.page import Header, Section, report_page, section, tile
from stethoscope.watch.history import Alarm
from stethoscope.watch.overview import SPANS, Bucket, MachineOverview, Overview, RecordingRow

_MOST_TICKS = 5
_NOTABLE_DRIFT = 1.0

Address = Callable[[RecordingRow], str]
"""Returns the address of a recording's sound, "" if it has none."""


_NOTE = "The recordings are played from where they are; they are not part of this page."


def history_page(
    view: Overview, *, title: str, address: Address, span: str = "", links: bool = False
) -> str:
    """Return the page.

    Parameters
    ----------
    view : Overview
    title : str
        Name of the history.
    address : callable
        Where the browser finds the sound of a recording.
    span : str
        The span that is shown, a name in :data:`~stethoscope.watch.overview.SPANS`.
    links : bool
        Whether links to other spans work, that is, whether a service answers the page.
    """
    active = [one.alarm for one in view.machines if one.alarm]
    header = Header(
        title=f"History: {title}",
        subject=[title, f"{_time(view.begin)} to {_time(view.end)}"],
        headline=_headline(view, active),
        summary=_summary(view),
        tiles=_tiles(view, active),
    )
    sections = [
        _spans(span) if links else None,
        *(_machine(number, one, view) for number, one in enumerate(view.machines)),
        _alarms(view),
        _recordings("anomalous", "Anomalous recordings", view.anomalous, address),
        _recordings("unusable", "Recordings without a verdict", view.unusable, address),
    ]
    return report_page(header, sections, note=_NOTE)


def _headline(view: Overview, active: Sequence[Alarm]) -> str:
    if not view.machines:
        return "No recording has been judged yet"
    if not active:
        return "No alarm"
    return f"Alarm: {', '.join(format_machine(one.machine) for one in active)}"


def _summary(view: Overview) -> str:
    judged = sum(one.n for one in view.machines)
    anomalous = sum(one.n_anomalous for one in view.machines)
    were, are = ("was" if judged == 1 else "were", "is" if anomalous == 1 else "are")
    parts = [f"{count(judged, 'recording')} {were} judged, {anomalous:,} of them {are} anomalous."]
    if view.n_unusable:
        unusable = count(view.n_unusable, "recording")
        parts.append(f"{unusable} gave no verdict; the reasons are below.")
    parts += [
        f"{count(number, 'message')} to {target} could not be delivered ({error}), "
        "and will be sent again."
        for target, number, error in view.undelivered
        if error
    ]
    return " ".join(parts)


def _tiles(view: Overview, active: Sequence[Alarm]) -> list[Html]:
    judged = sum(one.n for one in view.machines)
    anomalous = sum(one.n_anomalous for one in view.machines)
    hours = sum(one.hours_without for one in view.machines)
    drifts = [one.drift for one in view.machines if one.drift is not None]
    largest = max(drifts, key=abs, default=None)
    share = f"{100 * anomalous / judged:.1f}" if judged else "n/a"
    return [
        tile("Alarms now", str(len(active)), f"{len(view.alarms)} in the time shown"),
        tile("Anomalous", share, f"{anomalous:,} of {judged:,} recordings", "%" if judged else ""),
        tile(
            "Drift of the score",
            "n/a" if largest is None else f"{largest:+.1f}".replace("-", "−"),
            "last fifth against the first, in standard deviations",
        ),
        tile("Hours without recordings", f"{hours:,.0f}", "in gaps longer than usual"),
    ]


def _spans(span: str) -> Section:
    names = {"": "everything", **{name: f"last {name}" for name in SPANS}}
    items: list[Content] = []
    for name, text in names.items():
        current = "page" if name == span else None
        items.append(tag("a", text, href=f"?span={name}" if name else "?", aria_current=current))
        items.append(" ")
    return section("span", "Time shown", tag("p", items))


def _machine(number: int, one: MachineOverview, view: Overview) -> Section:
    figures = (
        f"{count(one.n, 'recording')}, {one.n_anomalous:,} anomalous; the last {_time(one.last)}"
    )
    contents: list[Content] = [tag("p", figures, class_="gap"), _scores(one, view)]
    if one.drift is not None and abs(one.drift) >= _NOTABLE_DRIFT:
        direction = "higher" if one.drift > 0 else "lower"
        contents.append(
            tag(
                "p",
                f"The scores of the last fifth of the recordings are {abs(one.drift):.1f} standard"
                f" deviations {direction} than those of the first fifth: the machine or its"
                " surroundings have changed. If the machine is healthy, adapt the thresholds with"
                " stethoscope threshold, or train again with recent recordings.",
            )
        )
    if one.gaps:
        rows = [(_time(gap.begin), _time(gap.end), f"{gap.hours:.1f}") for gap in one.gaps]
        contents.append(
            tag(
                "details",
                tag("summary", f"{one.hours_without:,.0f} hours without recordings"),
                _table(("from", "to", "hours"), rows),
            )
        )
    return section(f"machine{number}", format_machine(one.machine), *contents)


def _scores(one: MachineOverview, view: Overview) -> Html:
    buckets = one.buckets
    highs = [bucket.high for bucket in buckets] + [bucket.threshold for bucket in buckets]
    lows = [bucket.low for bucket in buckets] + [bucket.threshold for bucket in buckets]
    low, high = min(lows), max(highs)
    margin = 0.05 * ((high - low) or 1.0)
    chart = Chart(
        _time_axis(view.begin, view.end),
        Axis.linear(low - margin, high + margin, "score"),
    )
    for alarm in view.alarms:
        if alarm.machine == one.machine:
            begin = max(alarm.raised_at, view.begin)
            end = view.end if alarm.cleared_at is None else min(alarm.cleared_at, view.end)
            corners = [(begin, low - margin), (begin, high + margin)]
            corners += [(end, high + margin), (end, low - margin)]
            chart.region(corners, "anomaly")
    single = all(bucket.n == 1 for bucket in buckets)
    if single:
        _draw_recordings(chart, buckets)
    else:
        _draw_summaries(chart, buckets)
    chart.line(
        [bucket.begin for bucket in buckets], [bucket.threshold for bucket in buckets], "limit"
    )
    description = (
        f"Scores of {format_machine(one.machine)} over time: "
        f"{count(one.n, 'recording')}, {one.n_anomalous} anomalous"
    )
    marks = _OF_RECORDINGS if single else _OF_SUMMARIES
    legends = legend(*marks, ("line limit", "threshold"), ("bar pale anomaly", "alarm"))
    return tag("div", chart.html(description, shape="tall"), legends, class_="card")


_OF_RECORDINGS = (("dot normal", "normal recording"), ("dot anomaly", "anomalous recording"))
_OF_SUMMARIES = (("line normal", "mean score"), ("bar pale normal", "lowest to highest score"))


def _draw_recordings(chart: Chart, buckets: Sequence[Bucket]) -> None:
    for style, wanted in (("normal", False), ("anomaly", True)):
        chosen = [bucket for bucket in buckets if bool(bucket.n_anomalous) == wanted]
        chart.dots(
            [bucket.begin for bucket in chosen],
            [bucket.mean for bucket in chosen],
            style,
            [f"{_time(bucket.begin)}: {_number(bucket.mean)}" for bucket in chosen],
        )


def _draw_summaries(chart: Chart, buckets: Sequence[Bucket]) -> None:
    """Draw mean and range, interrupted where there is nothing for longer than usual."""
    steps = [after.begin - before.begin for before, after in pairwise(buckets)]
    usual = sorted(steps)[len(steps) // 2] if steps else 0.0
    begin = 0
    ends = [place + 1 for place, step in enumerate(steps) if step > 3.5 * usual]
    for end in (*ends, len(buckets)):
        part = buckets[begin:end]
        times = [bucket.begin for bucket in part]
        chart.area(times, [one.low for one in part], [one.high for one in part], "normal")
        chart.line(times, [one.mean for one in part], "normal")
        begin = end


def _time_axis(begin: float, end: float) -> Axis:
    """Return the axis of the times, in seconds since 1970.

    Recordings that were copied at once have nearly the same time.
    """
    if end - begin < 1.0:
        margin = 0.05 * (end - begin) + 0.01
        return Axis(begin - margin, end + margin, (), "time: all within a second")
    return Axis(begin, end, time_ticks(begin, end), "time")


def time_ticks(begin: float, end: float) -> tuple[tuple[float, str], ...]:
    """Return marks of a time axis at round local times, with their text."""
    span = max(end - begin, 1.0)
    steps = [1.0 * n for n in (1, 2, 5, 10, 15, 30)]
    steps += [60.0 * n for n in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)]
    steps += [86_400.0 * n for n in (1, 2, 5, 7, 14, 30, 60, 90, 182, 365)]
    years = math.ceil(span / (steps[-1] * _MOST_TICKS))
    step = next((one for one in steps if span / one <= _MOST_TICKS), years * steps[-1])
    offset = datetime.fromtimestamp(begin).astimezone().utcoffset()
    shift = offset.total_seconds() if offset else 0.0
    first = math.ceil((begin + shift) / step) * step - shift
    form = "%H:%M" if step < 86_400.0 and span <= 86_400.0 else "%d %b %H:%M"
    form = "%H:%M:%S" if step < 60.0 else form
    form = form if step < 86_400.0 else "%d %b" if span < 150 * 86_400.0 else "%b %Y"
    marks, at = [], first
    while at <= end:
        marks.append((at, f"{datetime.fromtimestamp(at):{form}}"))
        at += step
    return tuple(marks)


def _alarms(view: Overview) -> Section | None:
    if not view.alarms:
        return None
    rows = [
        (
            format_machine(one.machine),
            _time(one.raised_at),
            "lasts" if one.cleared_at is None else _time(one.cleared_at),
            f"{((one.cleared_at or view.end) - one.raised_at) / 3600.0:.1f}",
        )
        for one in view.alarms
    ]
    return section("alarms", "Alarms", _table(("machine", "raised", "cleared", "hours"), rows))


def _recordings(
    key: str, title: str, rows: Sequence[RecordingRow], address: Address
) -> Section | None:
    if not rows:
        return None
    scored = any(row.score is not None for row in rows)
    header = ("time", "machine", "recording", *(("score", "threshold") if scored else ()), "")
    cells = [
        (
            _time(row.recorded_at),
            format_machine(row.machine),
            _named(row),
            *((_number(row.score), _number(row.threshold)) if scored else ()),
            _player(address(row)),
        )
        for row in rows
    ]
    last = f"The last {len(rows)}, the newest first." if len(rows) > 1 else ""
    return section(key, title, tag("p", last) if last else "", _table(header, cells))


def _named(row: RecordingRow) -> Html:
    return tag("span", row.path, tag("small", row.message))


def _player(source: str) -> Content:
    if not source:
        return ""
    return tag("audio", controls=True, preload="none", src=source)


def _table(header: Sequence[str], rows: Sequence[Sequence[Content]]) -> Html:
    return tag(
        "div",
        tag(
            "table",
            tag("thead", tag("tr", [tag("th", name, scope="col") for name in header])),
            tag(
                "tbody",
                [
                    tag("tr", tag("th", row[0], scope="row"), [tag("td", one) for one in row[1:]])
                    for row in rows
                ],
            ),
        ),
        class_="scroll",
        tabindex="0",
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}".replace("-", "−")


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
