"""How well the diagnosis recognises the groups."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stethoscope.counts import count
from stethoscope.diagnosis.report.inputs import FaultInputs
from stethoscope.report.blocks import card, gallery
from stethoscope.report.charts import Axis, Chart, legend, two_sided_axis
from stethoscope.report.confusion import class_table, confusion_table, frequent_confusions
from stethoscope.report.html import Content, Html, tag
from stethoscope.report.page import Section, fold, section
from stethoscope.report.training import training_charts
from stethoscope.report.words import percent, share_with_interval
from stethoscope.stats.figure import Figure

_BINS = 20


def accuracy_section(faults: FaultInputs) -> Section | None:
    """Return confusions, probabilities and training curves; None if none is wanted."""
    parts: list[Content] = []
    if "confusion" in faults.plots and faults.evaluation["figures"]:
        parts += _confusions(faults.evaluation)
    if "confusion" in faults.plots and (held_out := faults.evaluation.get("held_out_machine")):
        parts += _held_out_machine(held_out, faults.evaluation["labels"])
    if "probabilities" in faults.plots and faults.answers:
        chart = gallery([_probability_chart(faults)])
        parts.append(fold("Probabilities of the predictions", chart))
    if "curves" in faults.plots:
        parts.append(fold("Training curves", *_training(faults.training)))
    return section("diagnosis", "Accuracy of the diagnosis", parts) if parts else None


def _confusions(evaluation: Mapping[str, Any]) -> list[Content]:
    figures, labels = evaluation["figures"], evaluation["labels"]
    accuracy = share_with_interval(Figure(**figures["accuracy"]))
    text = (
        "A network was trained to recognise normal clips and the groups. It gives the right class "
        f"for {accuracy} of {count(evaluation['test_clips'], 'clip')} from recordings that it was "
        f"not trained on; the balanced accuracy is {percent(figures['balanced_accuracy'])}."
    )
    if known := evaluation["fault_found"]:
        share = share_with_interval(Figure(**known))
        text += f" For anomalous clips, the most probable fault is right in {share}."
    text += _unknown_text(evaluation)
    text += (
        " The right class of an anomalous clip is its group. The groups were made from all "
        "recordings and need not be the real faults."
    )
    return [
        tag("p", text),
        tag("h3", "Confusion matrix"),
        confusion_table(labels, figures["confusion"]),
        tag("p", frequent_confusions(labels, figures["confusion"]), class_="fine"),
        fold("Figures per class", class_table(figures["classes"])),
    ]


def _held_out_machine(held_out: Mapping[str, Any], labels: Sequence[str]) -> list[Content]:
    """Return the figures of the machine that was held out."""
    figures, machine = held_out["figures"], held_out["machine"]
    accuracy = share_with_interval(Figure(**figures["accuracy"]))
    text = (
        f"No recording of {machine} was used for training, except normal ones to compare with. The "
        f"network gives the right class for {accuracy} of {count(held_out['clips'], 'clip')} of "
        f"this machine; the balanced accuracy is {percent(figures['balanced_accuracy'])}."
    )
    if found := held_out["fault_found"]:
        share = share_with_interval(Figure(**found))
        text += f" For anomalous clips, the most probable fault is right in {share}."
    return [
        tag("h3", f"A machine that was not trained on: {machine}"),
        tag("p", text),
        confusion_table(labels, figures["confusion"]),
    ]


def _unknown_text(evaluation: Mapping[str, Any]) -> str:
    """Return how often known faults, and those of a group left out, are called unknown."""
    known, left_out = (Figure(**evaluation[name]) for name in ("known_unknown", "left_out_unknown"))
    text = ""
    if known.value is not None:
        text += (
            f" {share_with_interval(known)} of the anomalous clips are called Unknown fault, though"
            " their group is known: normal is more probable, or they lie farther from all groups"
            " than the groups' own clips."
        )
    if left_out.value is not None:
        text += (
            f" When a group is left out of the training, {share_with_interval(left_out)} of its"
            " clips lie farther from the other groups than their own clips."
        )
    return text


def _probability_chart(faults: FaultInputs) -> Html:
    """Return the distribution of the probabilities of right and wrong predictions."""
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    best = np.array([max(one.probabilities) for one in faults.answers])
    is_right = np.array([one.answer == one.label for one in faults.answers])
    right, wrong = (np.histogram(best[rows], edges)[0] for rows in (is_right, ~is_right))
    chart = Chart(
        Axis.linear(0.0, 1.0, "probability of the predicted class"), two_sided_axis(right, -wrong)
    )
    chart.bars(edges.tolist(), right, "right")
    chart.bars(edges.tolist(), -wrong, "wrong")
    n_right, n_wrong = int(right.sum()), int(wrong.sum())
    note = "Wrong predictions should lie on the left. If they do, a low probability is a warning."
    return card(
        "Probabilities of the predictions",
        chart.html(f"Probability of the predictions: {n_right} right, {n_wrong} wrong"),
        legend(
            ("bar right", f"right, {count(n_right, 'clip')}"),
            ("bar wrong", f"wrong, {count(n_wrong, 'clip')}"),
        ),
        tag("p", note),
    )


def _training(training: Mapping[str, Any]) -> list[Content]:
    text = (
        f"The network was trained on {count(training['clips'], 'clip')} and validated on "
        f"{count(training['held_out'], 'clip')}. Before the first epoch it recognised "
        f"{percent(training['accuracy_before'])} of the training clips."
    )
    return [
        tag("p", text),
        training_charts(training["curves"], training["best_epoch"]),
    ]
