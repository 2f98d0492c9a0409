"""The header of the report, and the figures of the networks."""

import math

from stethoscope.events.report.inputs import EventInputs
from stethoscope.report.blocks import notes, table
from stethoscope.report.html import tag
from stethoscope.report.page import Header, Section, section
from stethoscope.report.words import count

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
    ("Events: false per hour", "events", "false_per_hour", "{:.1f}"),
    ("Events: delay, s", "events", "delay", "{:.2f}"),
)
"""Title of a row, part and name of its figure in ``evaluation.json``, and format."""

_PARTS = ("validation", "test")


def header(inputs: EventInputs) -> Header:
    """Return the header of the report."""
    events = inputs.evaluation["networks"]["float"]["test"]["events"]
    n_events = events["hits"] + events["missed"]
    title = f"Events: {', '.join(inputs.detector.labels)}"
    false = count(events["false_events"], "false event")
    summary = (
        f"{events['hits']} of {count(n_events, 'event')} of the test recordings were found, with "
        f"start and end at most {inputs.evaluation['tolerance']:g} s from the labels. "
        f"{false} in {events['hours'] * 60:.1f} minutes."
    )
    return Header(title, ["Event detection"], headline=title, summary=summary)


def figure_section(inputs: EventInputs) -> Section:
    """Return the figures of each network on the validation and the test part."""
    networks = inputs.evaluation["networks"]
    columns = [(network, part) for network in networks for part in _PARTS]
    rows = [
        [text, *(_cell(networks[network][part][kind][name], form) for network, part in columns)]
        for text, kind, name, form in _ROWS
    ]
    head = ("Figure", *(f"{network}, {part}" for network, part in columns))
    return section(
        "figures",
        "Results",
        tag("p", _rule(inputs)),
        notes(inputs.evaluation["warnings"]),
        table(head, rows, caption="Figures per network"),
    )


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
