"""Results of a classification as tables: figures per class and the confusion matrix."""

from collections.abc import Mapping, Sequence
from typing import Any

from stethoscope.counts import count
from stethoscope.report.blocks import table
from stethoscope.report.html import Html, tag
from stethoscope.report.words import figure, plain
from stethoscope.stats.figure import Figure

_MOST_CONFUSIONS = 3


def class_table(classes: Sequence[Mapping[str, Any]]) -> Html:
    """Return the table of figures per class.

    Parameters
    ----------
    classes : sequence of mapping
        ``label``, ``clips``, ``precision``, ``recall`` and ``f1`` of each, as in
        ``evaluation.json``.
    """
    rows = [
        [
            plain(one["label"]),
            f"{one['clips']:,}",
            figure(Figure(**one["precision"]), share=True),
            figure(Figure(**one["recall"]), share=True),
            f"{one['f1']:.3f}",
        ]
        for one in classes
    ]
    head = ("Class", "Clips", "Precision", "Recall", "F1")
    return table(head, rows, caption="Figures per class")


def confusion_table(
    labels: Sequence[str],
    confusion: Sequence[Sequence[int]],
    *,
    heading: str = "true ↓ predicted →",
    unit: str = "clip",
) -> Html:
    """Return the confusion matrix, each cell shaded by its share of the row.

    Parameters
    ----------
    labels : sequence of str
    confusion : sequence of sequence of int [shape=(n_labels, n_labels)]
        Clips by true class (row) and predicted class (column).
    heading : str
        What rows and columns are.
    unit : str
        What is counted.
    """
    names = [plain(label) for label in labels]
    heads = [tag("th", tag("span", name), scope="col") for name in names]
    rows = [
        tag("tr", tag("th", name, scope="row"), _cells(row, counts, names, unit))
        for row, (name, counts) in enumerate(zip(names, confusion, strict=True))
    ]
    matrix = tag(
        "table",
        tag("thead", tag("tr", tag("th", heading, scope="col"), heads)),
        tag("tbody", rows),
        class_="confusion",
        aria_label="Confusion matrix",
    )
    return tag(
        "div",
        matrix,
        class_="scroll fit",
        role="region",
        tabindex="0",
        aria_label="Confusion matrix",
    )


def _cells(row: int, counts: Sequence[int], names: Sequence[str], unit: str) -> list[Html]:
    total = sum(counts)
    return [
        tag(
            "td",
            str(n) if n else "",
            class_="right" if row == column else "wrong",
            style=f"--share:{n / total:.3f}" if n else None,
            title=f"{names[row]} → {names[column]}: {n} of {count(total, unit)}",
        )
        for column, n in enumerate(counts)
    ]


def frequent_confusions(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    """Return the most frequent confusions in a sentence.

    Parameters
    ----------
    labels, confusion : sequence
        As of :func:`confusion_table`.
    """
    pairs = sorted(
        (-n, row, column)
        for row, counts in enumerate(confusion)
        for column, n in enumerate(counts)
        if n and row != column
    )
    if not pairs:
        return "No clip is confused."
    texts = [
        f"{plain(labels[row])} → {plain(labels[column])}: {count(-n, 'clip')}"
        for n, row, column in pairs[:_MOST_CONFUSIONS]
    ]
    return f"Most frequent confusions: {'; '.join(texts)}."
