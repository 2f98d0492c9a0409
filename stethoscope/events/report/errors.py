"""What surrounds the events that were missed or found where there is none, to listen to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stethoscope.counts import count
from stethoscope.events.report.inputs import EventInputs, Row
from stethoscope.events.report.recordings import (
    background_clips,
    errors_of,
    event_legend,
    events_of,
    score_charts,
    scored_windows,
    tested_clips,
)
from stethoscope.report.blocks import gallery
from stethoscope.report.charts import Axis
from stethoscope.report.html import Html, tag
from stethoscope.report.media import Sound, player, read_sounds, recording_key, sound_address
from stethoscope.report.page import Section, section
from stethoscope.report.spectrogram import level_scale, levels_of, spectrogram
from stethoscope.report.words import short
from stethoscope.sound.feature import load_for_feature

MAX_ERRORS = 18
"""Most excerpts with errors."""

MAX_HITS = 3
"""Most excerpts with a found event, to compare with."""

CONTEXT = 3.0
"""What is shown before and after an error, in seconds."""

LONGEST = 20.0
"""Longest excerpt, in seconds."""

_WORDS = {"missed": "missed event", "false": "false event", "hit": "found event"}


@dataclass(frozen=True)
class Excerpt:
    """A part of a recording with events close to each other.

    Attributes
    ----------
    clip : int
        Index of the recording in the store.
    start, end : float
        In seconds of the recording.
    rows : tuple of Row
        The events, as in ``events.csv``.
    """

    clip: int
    start: float
    end: float
    rows: tuple[Row, ...]


def error_section(inputs: EventInputs, archives: Sequence[Path]) -> Section:
    """Return what surrounds each missed or false event, and a few found ones.

    Parameters
    ----------
    inputs : EventInputs
    archives : sequence of Path
        Archives or folders of the recordings.
    """
    clips = tested_clips(inputs)
    judged = [*clips, *background_clips(inputs)]
    errors = [one for clip in judged for one in _excerpts(inputs, clip, errors_of(inputs, clip))]
    hits = []
    for clip in clips:
        found = [row for row in events_of(inputs, clip) if row["outcome"] == "hit"]
        hits += _excerpts(inputs, clip, found[:1])
    shown = [*errors[:MAX_ERRORS], *hits[:MAX_HITS]]
    sounds = _sounds(inputs, shown, archives)
    cards = [_card(inputs, one, sounds.get(index)) for index, one in enumerate(shown)]
    wrong = sum(len(one.rows) for one in errors)
    text = (
        f"{count(wrong, 'event')} missed or false, each with {CONTEXT:g} s before and after it, "
        "and a few that were found, to compare with. A find whose start or end is more than "
        f"{inputs.evaluation['tolerance']:g} s from the label counts as false, and its event as "
        "missed. Click a picture to play from there."
        if errors
        else "No event was missed and none is false. A few that were found:"
    )
    return section(
        "errors",
        "Missed and false events",
        tag("p", text),
        event_legend(inputs),
        gallery(cards, left_out=max(0, len(errors) - MAX_ERRORS)),
    )


def _excerpts(inputs: EventInputs, clip: int, rows: Sequence[Row]) -> list[Excerpt]:
    """Return the parts of a recording around events; overlapping parts become one."""
    scored = scored_windows(inputs, clip)
    first = float(scored[0]["start"])
    last = float(scored[-1]["start"]) + inputs.detector.window_seconds
    merged: list[Excerpt] = []
    for row in sorted(rows, key=lambda row: float(row["start"])):
        start = max(first, float(row["start"]) - CONTEXT)
        end = min(last, float(row["end"]) + CONTEXT, start + LONGEST)
        before = merged[-1] if merged else None
        if before and start < before.end and end - before.start <= LONGEST:
            joined = (*before.rows, row)
            merged[-1] = Excerpt(clip, before.start, max(end, before.end), joined)
        else:
            merged.append(Excerpt(clip, start, end, (row,)))
    return merged


def _sounds(
    inputs: EventInputs, excerpts: Sequence[Excerpt], archives: Sequence[Path]
) -> dict[int, str]:
    """Return excerpts as data addresses, by their number."""
    feature = inputs.store.feature
    wanted: dict[tuple[str, str], list[int]] = {}
    for index, one in enumerate(excerpts):
        wanted.setdefault(recording_key(inputs.store.clips[one.clip]), []).append(index)

    def decode(content: bytes, name: str) -> Sound:
        return Sound(load_for_feature(content, feature, name=name), feature.sample_rate)

    return {
        index: sound_address(sound.cut(excerpts[index].start, excerpts[index].end).limited())
        for key, sound in read_sounds(archives, wanted, decode)
        for index in wanted[key]
    }


def _card(inputs: EventInputs, one: Excerpt, sound: str | None) -> Html:
    feature, path = inputs.detector.feature, inputs.store.clips[one.clip].path
    step = feature.hop_length / feature.sample_rate
    frames = inputs.store.clip_frames(one.clip)[int(one.start / step) : int(one.end / step)]
    levels = levels_of([frames], feature)
    time = Axis.linear(one.start, one.end, "time, s", ticks=6)
    return tag(
        "article",
        tag(
            "h3",
            [tag("span", _words(inputs, row), class_=f"badge {_style(row)}") for row in one.rows],
        ),
        tag("span", path.rpartition("/")[2], class_="file", title=path),
        player(sound, path),
        tag("h4", "Band spectrum", level_scale(levels, feature)),
        spectrogram(
            frames, feature, f"Band spectrum of {short(path)}", start=one.start, levels=levels
        ),
        *score_charts(inputs, one.clip, time, shape="white"),
        class_="card clip",
    )


def _words(inputs: EventInputs, row: Mapping[str, str]) -> str:
    words = _WORDS[row["outcome"]]
    named = f"{words}, {row['label']}," if inputs.has_classes else words
    return f"{named} at {float(row['start']):.1f} s"


def _style(row: Mapping[str, str]) -> str:
    return "right" if row["outcome"] == "hit" else "wrong"
