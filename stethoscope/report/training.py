"""Training curves: loss and accuracy over the epochs."""

import os
from collections.abc import Mapping, Sequence

from stethoscope.counts import count
from stethoscope.files import write_text
from stethoscope.report.blocks import card, gallery
from stethoscope.report.charts import MAX_STYLES, SHARE_TICKS, Axis, Chart, legend
from stethoscope.report.html import Html, tag
from stethoscope.report.page import document
from stethoscope.report.words import number, percent

Curves = Mapping[str, Sequence[float]]
"""Values by name, as Keras names them: ``loss``, ``val_loss``, ``accuracy``, ``val_accuracy``.
Curves of different lengths cover the same epochs."""


def write_loss_page(path: str | os.PathLike[str], curves: Mapping[str, Curves]) -> None:
    """Write a small page with the loss curves of a training.

    Parameters
    ----------
    path : path
        Written all or nothing.
    curves : mapping of str to Curves
        By machine type; empty if the detector has none.
    """
    title = "Loss over the epochs"
    write_text(path, document(title, tag("main", tag("h1", title), loss_charts(curves))))


def loss_charts(curves: Mapping[str, Curves]) -> Html:
    """Return a chart of the loss per machine type, or a sentence if there is none."""
    if not any(any(map(len, losses.values())) for losses in curves.values()):
        return tag("p", "This detector is fitted in one step and has no training curves.")
    cards = [
        _curve_card(machine_type, losses, "loss", validation="held-out normal clips")
        for machine_type, losses in curves.items()
    ]
    return tag("div", cards, class_="gallery")


def training_charts(curves: Curves, best_epoch: int) -> Html:
    """Return charts of loss and accuracy of a classifier.

    Parameters
    ----------
    curves : Curves
    best_epoch : int
        The epoch whose weights are kept, from 1.
    """
    cards = [
        _curve_card(name.capitalize(), _named(curves, name), name, best_epoch=best_epoch)
        for name in ("loss", "accuracy")
    ]
    return gallery(cards, wide=True)


def _named(curves: Curves, name: str) -> Curves:
    return {key: curves[key] for key in (name, f"val_{name}") if key in curves}


def _curve_card(
    title: str,
    curves: Curves,
    quantity: str,
    *,
    validation: str = "validation clips",
    best_epoch: int = 0,
) -> Html:
    longest = max(map(len, curves.values()))
    chart = Chart(Axis.linear(1, longest, "epoch", whole=True), _value_axis(curves, quantity))
    entries = []
    for index, (name, values) in enumerate(curves.items()):
        style = f"s{index % MAX_STYLES}"
        epochs = [longest * number // len(values) for number in range(1, len(values) + 1)]
        chart.line(epochs, values, style)
        if longest == 1:
            chart.dots(epochs, values, style)
        part = validation if name.startswith("val_") else "training clips"
        last = percent(values[-1]) if quantity == "accuracy" else number(values[-1])
        entries.append((f"line {style}", f"{part}, {last} at the end"))
    if best_epoch:
        chart.rule(best_epoch, "limit", f"kept: epoch {best_epoch}")
    described = "; ".join(text for _, text in entries)
    description = f"{quantity.capitalize()} over {count(longest, 'epoch')}: {described}"
    return card(title, chart.html(description), legend(*entries))


def _value_axis(curves: Curves, quantity: str) -> Axis:
    if quantity == "accuracy":
        return Axis(0.0, 1.02, SHARE_TICKS, "accuracy, %")
    # The losses of the first epochs are often far above the others and would flatten the curves.
    settled = [value for values in curves.values() for value in values[len(values) // 20 :]]
    margin = 0.05 * (max(settled) - min(settled))
    return Axis.linear(min(settled) - margin, max(settled) + margin, "loss")
