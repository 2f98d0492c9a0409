"""Test recordings, with labelled events, found events and scores over time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stethoscope.events.report.inputs import EventInputs, Row
from stethoscope.report.blocks import gallery
from stethoscope.report.charts import Axis, Chart, legend
from stethoscope.report.html import Html, tag
from stethoscope.report.media import Sound, player, read_sounds, recording_key, sound_address
from stethoscope.report.page import Section, section
from stethoscope.report.spectrogram import spectrogram
from stethoscope.report.words import count, short
from stethoscope.sound.feature import load_for_feature

MAX_RECORDINGS = 6
"""Most recordings that are shown."""

SECONDS = 15.0
"""Length of the part of a recording that is shown, from its beginning."""

_FOUND_HEIGHT = 1.08  # found events are drawn above the scores, which end at 1


def recording_section(inputs: EventInputs, archives: Sequence[Path]) -> Section:
    """Return the test recordings with the most errors.

    Parameters
    ----------
    inputs : EventInputs
    archives : sequence of Path
        Archives or folders of the recordings.
    """
    windows = inputs.windows
    tested = list(dict.fromkeys(int(clip) for clip in windows.clip[windows.of("test")]))
    errors = {clip: _errors(inputs, clip) for clip in tested}
    shown = sorted(tested, key=lambda clip: -errors[clip])[:MAX_RECORDINGS]
    sounds = _sounds(inputs, shown, archives)
    cards = [_card(inputs, clip, errors[clip], sounds) for clip in shown]
    text = (
        "The network was not trained on these recordings. Those with the most errors come first. "
        f"The first {SECONDS:g} s of each are shown."
    )
    entries = legend(
        ("bar s0 pale", "labelled event"),
        ("line s2", "found event"),
        ("line s1", "score"),
        ("line limit", "threshold"),
    )
    return section(
        "recordings", "Test recordings", tag("p", text), entries, gallery(cards, wide=True)
    )


def _errors(inputs: EventInputs, clip: int) -> int:
    path = inputs.store.clips[clip].path
    return sum(row["path"] == path and row["outcome"] != "hit" for row in inputs.events)


def _sounds(inputs: EventInputs, clips: Sequence[int], archives: Sequence[Path]) -> dict[int, str]:
    """Return the beginnings of recordings as data addresses."""
    feature = inputs.store.feature
    wanted = {recording_key(inputs.store.clips[clip]): clip for clip in clips}

    def decode(content: bytes, name: str) -> Sound:
        return Sound(load_for_feature(content, feature, name=name), feature.sample_rate)

    return {
        wanted[key]: sound_address(sound.cut(0.0, SECONDS).limited())
        for key, sound in read_sounds(archives, wanted, decode)
    }


def _card(inputs: EventInputs, clip: int, errors: int, sounds: Mapping[int, str]) -> Html:
    detector, path = inputs.detector, inputs.store.clips[clip].path
    scored = [row for row in inputs.scored if row["path"] == path]
    start = float(scored[0]["start"])
    end = min(start + SECONDS, float(scored[-1]["start"]) + detector.window_seconds)
    time = Axis.linear(start, end, "time, s", ticks=6)
    step = detector.feature.hop_length / detector.feature.sample_rate
    frames = inputs.store.clip_frames(clip)[int(start / step) : int(end / step)]
    outcome = (
        f"{count(errors, 'event')} missed or false in the whole recording."
        if errors
        else "All events were found, none is false."
    )
    return tag(
        "article",
        tag("h3", path.rpartition("/")[2]),
        tag("p", outcome),
        tag(
            "div",
            player(sounds.get(clip), path),
            spectrogram(frames, detector.feature, f"Band spectrum of {short(path)}", start=start),
            class_="clip",
        ),
        _score_chart(inputs, clip, scored, time),
        class_="card",
    )


def _score_chart(inputs: EventInputs, clip: int, scored: Sequence[Row], time: Axis) -> Html:
    detector = inputs.detector
    chart = Chart(time, replace(Axis.linear(0, 1, "score", ticks=3), high=1.15))
    labelled = inputs.windows.intervals[clip]
    for start, end in _visible(labelled, time):
        chart.area([start, end], [0, 0], [1, 1], "s0")
    middles = [float(row["start"]) + detector.window_seconds / 2 for row in scored]
    scores = [float(row["float"]) for row in scored]
    n_visible = int(np.searchsorted(middles, time.high, side="right"))
    chart.line(middles[:n_visible], scores[:n_visible], "s1")
    for start, end in _visible(_found(inputs, clip), time):
        chart.line([start, end], [_FOUND_HEIGHT, _FOUND_HEIGHT], "s2")
    chart.line([time.low, time.high], [detector.threshold] * 2, "limit")
    return chart.html(
        "Scores of the windows over time, with the labelled events behind them and the found "
        "events above them"
    )


def _found(inputs: EventInputs, clip: int) -> list[tuple[float, float]]:
    path = inputs.store.clips[clip].path
    return [
        (float(row["start"]), float(row["end"]))
        for row in inputs.events
        if row["path"] == path and row["outcome"] != "missed"
    ]


def _visible(spans: Sequence[tuple[float, float]], time: Axis) -> list[tuple[float, float]]:
    """Return the parts of spans that lie on the axis."""
    return [
        (max(start, time.low), min(end, time.high))
        for start, end in spans
        if end > time.low and start < time.high
    ]
