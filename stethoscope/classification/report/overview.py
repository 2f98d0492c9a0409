"""The header of the report, and the results per class."""

from collections.abc import Sequence

from stethoscope.classification.report.inputs import ClassInputs
from stethoscope.counts import count
from stethoscope.report.confusion import class_table, confusion_table, frequent_confusions
from stethoscope.report.html import tag
from stethoscope.report.page import Header, Section, Verdict, fold, section, tile
from stethoscope.report.words import interval, percent, plain
from stethoscope.stats.figure import Figure

LEAST_RECALL = 0.7
"""Balanced accuracy, and half of it the recall of each class, for a classifier to be ready."""

FEW_CLIPS = 10
"""With fewer tested clips of a class, a classifier is ready for a trial only."""


def header(inputs: ClassInputs, facts: Sequence[tuple[str, str]]) -> Header:
    """Return the header of the report.

    Parameters
    ----------
    inputs : ClassInputs
    facts : sequence of (str, str)
        Of the run; empty where they are not known.
    """
    evaluation = inputs.evaluation
    accuracy, labels = Figure(**evaluation["accuracy"]), evaluation["labels"]
    sources = ", ".join(sorted({clip.source for clip in inputs.store.clips} - {""}))
    n_right = len(inputs.answers) - len(inputs.mistakes)
    headline = f"{n_right:,} of {count(len(inputs.answers), 'clip')} classified correctly"
    chance = max(one["clips"] for one in evaluation["classes"]) / len(inputs.answers)
    n_folds = len(evaluation["folds"])
    way = (
        f"by cross-validation with {n_folds} folds: each clip was classified by a network that was "
        "not trained on its recording."
        if n_folds > 1
        else "on recordings that were kept for the test: the network that classified them was not "
        "trained on them."
    )
    summary = f"{len(labels):,} classes, measured {way}"
    ends = f"95 % interval {interval(accuracy, share=True)}"
    balanced = percent(evaluation["balanced_accuracy"])
    return Header(
        title=f"Sound classification: {headline}",
        subject=["Sound classification", inputs.fit["network"]],
        headline=headline,
        summary=summary,
        tiles=[
            tile("Accuracy", percent(accuracy.value or 0.0), ends),
            tile("Balanced accuracy", balanced, "mean recall of the classes"),
            tile("Macro F1", f"{evaluation['macro_f1']:.3f}", "mean F1 of the classes"),
            tile("Chance", percent(chance), "accuracy of always giving the most frequent class"),
        ],
        verdict=_verdict(inputs),
        facts=facts or [("Recordings", sources)],
    )


def _verdict(inputs: ClassInputs) -> Verdict:
    """Return whether the classes are distinguished well, and what to do if not."""
    evaluation = inputs.evaluation
    balanced, classes = evaluation["balanced_accuracy"], evaluation["classes"]
    worst = min(classes, key=lambda one: one["recall"]["value"] or 0.0)
    recall = worst["recall"]["value"] or 0.0
    n_right, n_clips = len(inputs.answers) - len(inputs.mistakes), len(inputs.answers)
    least = f"; lowest: {plain(worst['label'])}, {percent(recall)}" if recall < balanced else ""
    reason = f"{n_right:,} of {count(n_clips, 'clip')} classified correctly{least}."
    if balanced < LEAST_RECALL or recall < LEAST_RECALL / 2:
        advice = (
            f"Listen to the mistakes below: correct wrong labels, and record more of "
            f"{plain(worst['label'])}."
        )
        return Verdict("not ready", reason, advice)
    if min(one["clips"] for one in classes) < FEW_CLIPS:
        few = f"Test it on {FEW_CLIPS} clips or more of every class, such as by class_folds = 5."
        return Verdict("trial", reason, few)
    return Verdict("ready", reason, "Try it on recordings of another day and place.")


def class_section(inputs: ClassInputs) -> Section:
    """Return the figures of each class."""
    text = (
        "Precision: fraction of the clips classified as the class that belong to it. Recall: "
        "fraction of the clips of the class that were classified as it. F1: harmonic mean of both. "
        "The ranges in small print are 95 % intervals."
    )
    table = class_table(inputs.evaluation["classes"])
    meaning = fold("What the figures mean", tag("p", text, class_="fine"))
    return section("classes", "Results per class", table, meaning)


def confusion_section(inputs: ClassInputs) -> Section:
    """Return the confusion matrix."""
    labels, confusion = inputs.evaluation["labels"], inputs.evaluation["confusion"]
    text = (
        "Rows: the true class. Columns: the predicted class. The darker a cell, the larger its "
        "share of the row."
    )
    return section(
        "confusions",
        "Confusion matrix",
        tag("p", text),
        confusion_table(labels, confusion),
        tag("p", frequent_confusions(labels, confusion)),
    )
