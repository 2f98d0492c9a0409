"""The header of the report, and the figures of the networks."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stethoscope.events.report.inputs import EventInputs
from stethoscope.events.summary import false_per_hour
from stethoscope.report.blocks import notes, table
from stethoscope.report.html import tag
from stethoscope.report.page import Header, Section, Verdict, fold, section, tile
from stethoscope.report.words import count, percent

_ROWS = (
    ("Windows: AUC", "windows", "auc", "{:.3f}"),
    ("Windows: average precision", "windows", "ap", "{:.3f}"),
    ("Windows: accuracy", "windows", "accuracy", "{:.3f}"),
    ("Windows: loss", "windows", "loss", "{:.3f}"),
    ("Windows: true positives", "windows", "true_positives", "{}"),
    ("Windows: false positives", "windows", "false_positives", "{}"),
    ("Windows: true negatives", "windows", "true_negatives", "{}"),
    ("Windows: false negatives", "windows", "false_negatives", "{}"),
    ("Events: precision", "events", "precision", "{:.3f}"),
    ("Events: recall", "events", "recall", "{:.3f}"),
    ("Events: F1", "events", "f1", "{:.3f}"),
    ("Events: delay, s", "events", "delay", "{:.2f}"),
)
"""Title of a row, part and name of its figure in ``evaluation.json``, and format."""

_OFTEN = (
    ("Events: false per hour, with its 95 % interval", "events"),
    ("Background: false per hour, with its 95 % interval", "background"),
)

LEAST_RECALL = LEAST_PRECISION = 0.8
"""Fractions of the events found, and of the finds that are events, for a detector to be ready."""

FEW_EVENTS = 20
FEW_MINUTES = 10
"""With fewer events or minutes in the test recordings, a detector is ready for a trial only."""

_PARTS = ("validation", "test")


def header(inputs: EventInputs, facts: Sequence[tuple[str, str]]) -> Header:
    """Return the header of the report.

    Parameters
    ----------
    inputs : EventInputs
    facts : sequence of (str, str)
        Of the run.
    """
    events = inputs.evaluation["networks"]["float"]["test"]["events"]
    n_events = events["hits"] + events["missed"]
    title = f"Events: {', '.join(inputs.detector.labels)}"
    false = count(events["false_events"], "false event")
    summary = (
        f"{events['hits']} of {count(n_events, 'event')} of the test recordings were found, with "
        f"start and end at most {inputs.evaluation['tolerance']:g} s from the labels. "
        f"{false} in {events['hours'] * 60:.1f} minutes."
    )
    auc = inputs.evaluation["networks"]["float"]["test"]["windows"]["auc"]
    per_hour = f"{false_per_hour(events)} per hour"
    background = inputs.evaluation["networks"]["float"]["test"].get("background")
    if background:
        summary += (
            f" {count(background['false_events'], 'false event')} in "
            f"{background['hours'] * 60:.1f} minutes of background that was kept apart: "
            f"{false_per_hour(background)} per hour."
        )
    tiles = [
        tile(
            "Events found",
            str(events["hits"]),
            f"recall {percent(events['recall'])}",
            f"of {n_events}",
        ),
        tile(
            "False finds",
            str(events["false_events"]),
            per_hour,
            f"in {events['hours'] * 60:.0f} min",
        ),
        tile("Event F1", f"{events['f1']:.3f}", "1 is perfect"),
        tile("Window AUC", _cell(auc, "{:.3f}"), "0.5 is chance, 1 is perfect"),
    ]
    return Header(
        title,
        ["Event detection"],
        headline=title,
        summary=summary,
        tiles=tiles,
        verdict=_verdict(events, n_events),
        facts=facts,
    )


def _verdict(events: Mapping[str, Any], n_events: int) -> Verdict:
    """Return whether the events of the test recordings were found, and what to do if not."""
    reason = (
        f"{events['hits']} of {count(n_events, 'event')} found, "
        f"{count(events['false_events'], 'false find')}."
    )
    if not n_events:
        return Verdict("trial", "the test recordings have no event.", "Label more recordings.")
    if events["recall"] < LEAST_RECALL or events["precision"] < LEAST_PRECISION:
        advice = (
            "Listen to the misses and false finds below: correct their labels, or record and label "
            "more events like them."
        )
        return Verdict("not ready", reason, advice)
    minutes = events["hours"] * 60
    if n_events < FEW_EVENTS or minutes < FEW_MINUTES:
        reason = f"{reason[:-1]} in {minutes:.1f} minutes of test recordings."
        wanted = f"{FEW_EVENTS} events and {FEW_MINUTES} minutes, most of them without events"
        return Verdict("trial", reason, f"Test it on more: {wanted}.")
    return Verdict("ready", reason, "Try it where it will be used, for an hour without events too.")


def figure_section(inputs: EventInputs) -> Section:
    """Return the figures of each network on the validation and the test part."""
    networks = inputs.evaluation["networks"]
    columns = [(network, part) for network in networks for part in _PARTS]
    rows = [
        [text, *(_cell(networks[network][part][kind][name], form) for network, part in columns)]
        for text, kind, name, form in _ROWS
    ]
    rows += [
        [text, *(_often(networks[network][part].get(kind)) for network, part in columns)]
        for text, kind in _OFTEN
        if kind in networks["float"]["test"]
    ]
    head = ("Figure", *(f"{network}, {part}" for network, part in columns))
    return section(
        "figures",
        "Results",
        notes(inputs.evaluation["warnings"]),
        table(head, rows, caption="Figures per network"),
        fold("How events are found", tag("p", _rule(inputs), class_="fine")),
    )


def _often(figures: Mapping[str, Any] | None) -> str:
    return false_per_hour(figures) if figures else "n/a"


def _cell(value: float | None, form: str) -> str:
    return "n/a" if value is None else form.format(value)


def _rule(inputs: EventInputs) -> str:
    """Return how events are found."""
    detector = inputs.detector
    decoder, step = detector.decoder, detector.stride_seconds
    shortest, longest = (
        decoder.length * math.exp(sign * 2 * decoder.spread) * step + detector.window_seconds
        for sign in (-1, 1)
    )
    int8 = inputs.evaluation["networks"]["int8"]["threshold"]
    return (
        "A window belongs to an event if all of it, from its first to its last sample, is inside "
        f"the event. Scores above {detector.threshold:.2f} (int8: {int8:.2f}) are evidence for an "
        "event. The decoder finds the most probable sequence of background and events. It "
        f"expects one event every {decoder.interval * step:.0f} s on average, with a length of "
        f"{shortest:.1f} to {longest:.1f} s."
    )
