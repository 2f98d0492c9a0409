"""The header of the report, and the figures of the networks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stethoscope.counts import count
from stethoscope.events.evaluate import figures_by_class
from stethoscope.events.model import EventClass
from stethoscope.events.report.inputs import EventInputs
from stethoscope.events.summary import false_per_hour
from stethoscope.report.blocks import notes, table
from stethoscope.report.confusion import confusion_table
from stethoscope.report.html import Html, tag
from stethoscope.report.page import Header, Section, Verdict, fold, section, tile
from stethoscope.report.words import percent

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
_STATUSES = ("not ready", "trial", "ready")


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
            "False events",
            str(events["false_events"]),
            per_hour,
            f"in {events['hours'] * 60:.0f} min",
        ),
        tile("Event F1", f"{events['f1']:.3f}", _f1_note(events)),
        tile("Window AUC", _cell(auc, "{:.3f}"), "0.5 is chance, 1 is perfect"),
    ]
    return Header(
        title,
        ["Event detection"],
        headline=title,
        summary=summary,
        tiles=tiles,
        verdict=_worst_verdict(inputs),
        facts=facts,
    )


def _f1_note(events: Mapping[str, Any]) -> str:
    if "macro_f1" not in events:
        return "1 is perfect"
    return f"over all events; mean of the classes {events['macro_f1']:.3f}"


def _worst_verdict(inputs: EventInputs) -> Verdict:
    """Return the verdict on the class for which the detector is the least ready."""
    verdicts = []
    classes = figures_by_class(inputs.evaluation["networks"]["float"], inputs.labels)
    for label, figures in classes.items():
        events = figures["test"]["events"]
        verdict = _verdict(events, events["hits"] + events["missed"])
        reason = f"{label}: {verdict.reason}" if inputs.has_classes else verdict.reason
        verdicts.append(replace(verdict, reason=reason))
    worst = min(verdicts, key=lambda verdict: _STATUSES.index(verdict.status))
    if worst.status != "ready":
        return worst
    events = inputs.evaluation["networks"]["float"]["test"]["events"]
    return _verdict(events, events["hits"] + events["missed"])


def _verdict(events: Mapping[str, Any], n_events: int) -> Verdict:
    """Return whether the events of the test recordings were found, and what to do if not."""
    reason = (
        f"{events['hits']} of {count(n_events, 'event')} found, "
        f"{count(events['false_events'], 'false event')}."
    )
    if not n_events:
        return Verdict("trial", "the test recordings have no event.", "Label more recordings.")
    if events["recall"] < LEAST_RECALL or events["precision"] < LEAST_PRECISION:
        advice = (
            "Listen to the missed and false events below: correct their labels, or record and "
            "label more events like them."
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
    if inputs.has_classes:
        means = (networks[network][part]["events"]["macro_f1"] for network, part in columns)
        rows.append(["Events: mean of the F1 of the classes", *map("{:.3f}".format, means)])
    head = ("Figure", *(f"{network}, {part}" for network, part in columns))
    by_network = table(head, rows, caption="Figures per network")
    return section(
        "figures",
        "Results",
        notes(inputs.evaluation["warnings"]),
        *(
            [_class_results(inputs), tag("h3", "All classes together")]
            if inputs.has_classes
            else []
        ),
        by_network,
        fold("How events are found", tag("p", _rule(inputs), class_="fine")),
    )


def _class_results(inputs: EventInputs) -> Html:
    """Return the figures of every class on the test part, and which classes are confused."""
    networks = inputs.evaluation["networks"]
    rows = [
        [label, network, *_class_row(figures)]
        for label in inputs.labels
        for network in networks
        for figures in [networks[network]["classes"][label]]
    ]
    head = (
        "Class",
        "Network",
        "Found",
        "Precision",
        "Recall",
        "F1",
        "False per hour",
        "In background",
        "Delay, s",
        "Window AUC",
        "Threshold",
    )
    text = (
        "Every found event counts once: for the labelled event that it overlaps, of its own class "
        "if there is one; or for none. A labelled event that no find overlaps counts as not found."
    )
    return tag(
        "div",
        tag("h3", "Classes, test recordings"),
        table(head, rows, caption="Figures per class"),
        tag("h3", "Which class was found"),
        tag("p", text),
        confusion_table(
            [*inputs.labels, "none"],
            networks["float"]["test"]["confusion"],
            heading="labelled ↓ found →",
            unit="event",
        ),
    )


def _class_row(figures: Mapping[str, Any]) -> list[str]:
    test = figures["test"]
    events = test["events"]
    return [
        f"{events['hits']} of {events['hits'] + events['missed']}",
        *(_cell(events[name], "{:.3f}") for name in ("precision", "recall", "f1")),
        _often(events),
        _often(test.get("background")),
        _cell(events["delay"], "{:.2f}"),
        _cell(test["windows"]["auc"], "{:.3f}"),
        f"{figures['threshold']:.2f}",
    ]


def _often(figures: Mapping[str, Any] | None) -> str:
    return false_per_hour(figures) if figures else "n/a"


def _cell(value: float | None, form: str) -> str:
    return "n/a" if value is None else form.format(value)


def _rule(inputs: EventInputs) -> str:
    """Return how events are found."""
    int8 = figures_by_class(inputs.evaluation["networks"]["int8"], inputs.labels)
    rules = [
        _class_rule(one, int8[one.label]["threshold"], named=inputs.has_classes)
        for one in inputs.detector.classes
    ]
    return (
        "A window belongs to an event if all of it, from its first to its last sample, is inside "
        f"the event. {' '.join(rules)}"
    )


def _class_rule(one: EventClass, int8: float, *, named: bool) -> str:
    decoder, step = one.decoder, one.stride_seconds
    shortest, longest = (
        decoder.length * math.exp(sign * 2 * decoder.spread) * step + one.window_seconds
        for sign in (-1, 1)
    )
    return (
        f"{f'{one.label}: scores' if named else 'Scores'} above {one.threshold:.2f} "
        f"(int8: {int8:.2f}) are evidence for an "
        "event. The decoder finds the most probable sequence of background and events. It "
        f"expects one event every {decoder.interval * step:.0f} s on average, with a length of "
        f"{shortest:.1f} to {longest:.1f} s."
    )
