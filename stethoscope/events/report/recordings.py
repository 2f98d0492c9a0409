"""Test recordings at full length, with labelled events, found events and scores over time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stethoscope.counts import count
from stethoscope.events.evaluate import window_column
from stethoscope.events.report.inputs import EventInputs, Row
from stethoscope.events.windows import BACKGROUND, PARTS
from stethoscope.report.blocks import table
from stethoscope.report.charts import Axis, Chart, framed, legend
from stethoscope.report.html import Html, tag
from stethoscope.report.media import picture
from stethoscope.report.page import Section, fold, section
from stethoscope.report.spectrogram import COLOURS, levels_of, value_axis
from stethoscope.report.words import short
from stethoscope.sound.definition import Frames

MAX_OPEN = 8
"""Most strips that are visible before the others are unfolded."""

MAX_STRIPS = 200
"""Most test recordings that are shown."""

_MAX_COLUMNS = 1200  # of the picture of a recording
_FOUND_HEIGHT = 1.08  # found events are drawn above the scores, which end at 1

_LEGEND = (
    ("bar wrong pale", "missed"),
    ("line right", "found"),
    ("line wrong", "false event"),
)
_CLASS_STYLES = 6  # colours of classes


def recording_section(inputs: EventInputs) -> Section:
    """Return every test recording at full length; those with the most errors come first."""
    clips = tested_clips(inputs)
    ordered = sorted(clips, key=lambda clip: -len(errors_of(inputs, clip)))
    strips = [_strip(inputs, clip) for clip in ordered[:MAX_STRIPS]]
    text = (
        "Every test recording at full length; the network was not trained on them. Those with the "
        "most errors come first."
    )
    more = strips[MAX_OPEN:]
    left_out = len(clips) - len(strips)
    return section(
        "recordings",
        "Test recordings",
        tag("p", text),
        event_legend(inputs),
        tag("div", strips[:MAX_OPEN], class_="strips"),
        fold(f"{len(more)} more", tag("div", more, class_="strips")) if more else "",
        tag("p", f"{left_out} more are in windows.csv.", class_="soft") if left_out else "",
    )


def event_legend(inputs: EventInputs) -> Html:
    """Return the legend of the charts of scores; each class has a chart and a colour."""
    if not inputs.has_classes:
        scores = [("line s1", "score"), ("line limit", "threshold")]
        return legend(("bar s0 pale", "labelled event"), *_LEGEND, *scores)
    classes = [
        entry
        for index, label in enumerate(inputs.labels)
        for entry in (
            (f"bar {_class_style(index)} pale", f"labelled {label}"),
            (f"line {_class_style(index)}", f"score for {label}"),
        )
    ]
    return legend(*classes, *_LEGEND, ("line limit", "threshold"))


def _class_style(index: int) -> str:
    return f"s{index % _CLASS_STYLES}"


def division_section(inputs: EventInputs) -> Section:
    """Return what the network was trained, validated and tested on."""
    windows, detector = inputs.windows, inputs.detector
    hop = detector.feature.hop_length / detector.feature.sample_rate
    rows = []
    for part in (*PARTS, *BACKGROUND):
        chosen = windows.of(part)
        if not len(chosen):
            continue
        seconds = len(chosen) * detector.stride_seconds
        middles = (windows.first[chosen] + detector.window / 2) * hop
        events = [
            sum(
                bool(np.any((windows.clip[chosen] == clip) & (start <= middles) & (middles <= end)))
                for clip in np.unique(windows.clip[chosen])
                for start, end in intervals[clip]
            )
            for intervals in windows.intervals
        ]
        recordings = len(np.unique(windows.clip[chosen]))
        rows.append(
            [
                part.replace("-", ", "),
                str(recordings),
                f"{seconds / 60:.1f} min",
                *map(str, events),
                f"{len(chosen):,}",
            ]
        )
    ways = {
        "recording": "The recordings were drawn at random (event_division = recording).",
        "sequential": "All windows were divided in order (event_division = sequential), so a "
        "recording can be in two parts.",
    }
    return section(
        "division",
        "Training, validation and test",
        tag("p", ways[inputs.model["fit"]["division"]]),
        table(
            ("Part", "Recordings", "Length", *_event_columns(inputs), "Windows"),
            rows,
            caption="Division of the recordings",
            fit=True,
        ),
        folded=True,
        hint="how the recordings were divided",
    )


def _event_columns(inputs: EventInputs) -> list[str]:
    if not inputs.has_classes:
        return ["Events"]
    return [f"Events: {label}" for label in inputs.labels]


def tested_clips(inputs: EventInputs) -> list[int]:
    """Return the indices of the test recordings in the store."""
    windows = inputs.windows
    return list(dict.fromkeys(int(clip) for clip in windows.clip[windows.of("test")]))


def background_clips(inputs: EventInputs) -> list[int]:
    """Return the indices of the recordings without events that were kept apart."""
    windows = inputs.windows
    return list(dict.fromkeys(int(clip) for clip in windows.clip[windows.of("background-test")]))


def events_of(inputs: EventInputs, clip: int) -> list[Row]:
    """Return the rows of ``events.csv`` of a recording."""
    path = inputs.store.clips[clip].path
    return [row for row in inputs.events if row["path"] == path]


def errors_of(inputs: EventInputs, clip: int) -> list[Row]:
    """Return the missed and the false events of a recording."""
    return [row for row in events_of(inputs, clip) if row["outcome"] != "hit"]


def scored_windows(inputs: EventInputs, clip: int) -> list[Row]:
    """Return the rows of ``windows.csv`` of a recording."""
    path = inputs.store.clips[clip].path
    return [row for row in inputs.scored if row["path"] == path]


def score_charts(inputs: EventInputs, clip: int, time: Axis, *, shape: str = "") -> list[Html]:
    """Return the scores of a recording over time, with labelled and found events, by class."""
    above = replace(time, ticks=(), label="")
    last = len(inputs.labels) - 1
    return [
        _score_chart(inputs, clip, index, time if index == last else above, shape)
        for index in range(len(inputs.labels))
    ]


def _score_chart(inputs: EventInputs, clip: int, index: int, time: Axis, shape: str) -> Html:
    label, several = inputs.labels[index], inputs.has_classes
    labelled, scores = (_class_style(index),) * 2 if several else ("s0", "s1")
    title = label if several else "score"
    chart = Chart(time, replace(Axis.linear(0, 1, title, ticks=3), high=1.15))
    for start, end in visible(inputs.windows.intervals[index][clip], time):
        chart.area([start, end], [0, 0], [1, 1], labelled)
    rows = [row for row in events_of(inputs, clip) if not several or row["label"] == label]
    for start, end in visible(_spans(rows, "missed"), time):
        chart.area([start, end], [0, 0], [1, 1], "wrong")
    scored = scored_windows(inputs, clip)
    half = inputs.detector.window_seconds / 2
    middles = np.array([float(row["start"]) for row in scored]) + half
    inside = np.flatnonzero((middles >= time.low) & (middles <= time.high))
    column = window_column("float", label, len(inputs.labels))
    chart.line(middles[inside], [float(scored[place][column]) for place in inside], scores)
    for outcome, style in (("hit", "right"), ("false", "wrong")):
        for start, end in visible(_spans(rows, outcome), time):
            chart.line([start, end], [_FOUND_HEIGHT, _FOUND_HEIGHT], f"thick {style}")
    chart.line([time.low, time.high], [inputs.detector.classes[index].threshold] * 2, "limit")
    name = short(inputs.store.clips[clip].path)
    of = f" for {label}" if several else ""
    return chart.html(
        f"Scores of the windows of {name}{of} over time, with the labelled events behind them and "
        "the found events above them",
        shape=shape,
    )


def visible(spans: Sequence[tuple[float, float]], time: Axis) -> list[tuple[float, float]]:
    """Return the parts of spans that lie on the axis."""
    return [
        (max(start, time.low), min(end, time.high))
        for start, end in spans
        if end > time.low and start < time.high
    ]


def _spans(rows: Sequence[Row], outcome: str) -> list[tuple[float, float]]:
    return [(float(row["start"]), float(row["end"])) for row in rows if row["outcome"] == outcome]


def _strip(inputs: EventInputs, clip: int) -> Html:
    detector, path = inputs.detector, inputs.store.clips[clip].path
    scored = scored_windows(inputs, clip)
    start = float(scored[0]["start"])
    end = float(scored[-1]["start"]) + detector.window_seconds
    time = Axis.linear(start, end, "time, s", ticks=10)
    step = detector.feature.hop_length / detector.feature.sample_rate
    frames = np.array(inputs.store.clip_frames(clip)[int(start / step) : int(end / step)])
    dark, bright = levels_of([frames], detector.feature)
    values = (_narrowed(frames) - np.float32(dark)) / np.float32(max(bright - dark, 1e-6))
    return tag(
        "article",
        tag("h3", path.rpartition("/")[2], " ", tag("small", _outcome(inputs, clip))),
        framed(
            picture(values, COLOURS),
            replace(time, ticks=(), label=""),
            value_axis(detector.feature),
            f"Band spectrum of {short(path)}",
            shape="low",
        ),
        *score_charts(inputs, clip, time, shape="low"),
        class_="card",
    )


def _outcome(inputs: EventInputs, clip: int) -> str:
    outcomes = [row["outcome"] for row in events_of(inputs, clip)]
    hits, missed, false = (outcomes.count(one) for one in ("hit", "missed", "false"))
    return f"{hits} of {count(hits + missed, 'event')} found, {false} false"


def _narrowed(frames: Frames) -> Frames:
    """Return frames, the loudest of each few, so that there are not more than can be seen."""
    group = -(-len(frames) // _MAX_COLUMNS)
    starts = np.arange(0, len(frames), max(group, 1))
    narrowed: Frames = np.maximum.reduceat(frames, starts, axis=0)
    return narrowed
