"""How classes are told apart, as tables: figures per class, and what is taken for what."""

from collections.abc import Mapping, Sequence
from typing import Any

from stethoscope.report.html import Html, tag
from stethoscope.report.words import figure
from stethoscope.stats.figure import Figure

_MOST_CONFUSIONS = 3


def class_table(classes: Sequence[Mapping[str, Any]]) -> Html:
    """Return the table of figures per class.

    Parameters
    ----------
    classes : sequence of mapping
        :class:`~stethoscope.classification.metrics.ClassFigures` as JSON.
    """
    head = tag("tr", [tag("th", name) for name in ("Class", "Clips", "Precision", "Recall", "F1")])
    rows = [
        tag(
            "tr",
            tag("th", one["label"].replace("_", " ")),
            tag("td", f"{one['clips']:,}"),
            [
                tag("td", figure(Figure(**one[name]), share=True))
                for name in ("precision", "recall")
            ],
            tag("td", f"{one['f1']:.3f}"),
        )
        for one in classes
    ]
    return tag(
        "div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll", tabindex="0"
    )


def confusion_table(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> Html:
    """Return the confusion matrix, clips by true class (row) and answered class (column), each cell
    shaded by its share of the row.
    """
    spoken = [label.replace("_", " ") for label in labels]
    head = tag("tr", tag("th", "heard"), [tag("th", tag("span", label)) for label in spoken])
    rows = []
    for row, (label, counts) in enumerate(zip(spoken, confusion, strict=True)):
        total = max(sum(counts), 1)
        cells = [
            tag(
                "td",
                str(n) if n else "",
                class_="right" if row == column else "wrong",
                style=f"--share:{n / total:.3f}" if n else None,
                title=f"{label}: {n} of {sum(counts)} taken for {spoken[column]}",
            )
            for column, n in enumerate(counts)
        ]
        rows.append(tag("tr", tag("th", label), cells))
    table = tag(
        "table",
        tag("thead", head),
        tag("tbody", rows),
        class_="confusion",
        aria_label="Confusion matrix",
    )
    return tag("div", table, class_="scroll fit", tabindex="0")


def frequent_confusions(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    """Return the most frequent confusions in a sentence."""
    pairs = sorted(
        (
            (n, row, column)
            for row, counts in enumerate(confusion)
            for column, n in enumerate(counts)
            if n and row != column
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    if not pairs:
        return "Nothing is taken for anything else."
    told = [
        f"{labels[row]} is taken for {labels[column]} {_times(n)}"
        for n, row, column in pairs[:_MOST_CONFUSIONS]
    ]
    return f"Most often, {', '.join(told)}.".replace("_", " ")


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n} times")
