"""The header of the report, and the results per class."""

from stethoscope.classification.report.inputs import ClassInputs
from stethoscope.report.confusion import class_table, confusion_table, frequent_confusions
from stethoscope.report.html import tag
from stethoscope.report.page import Header, Section, section, tile
from stethoscope.report.words import count, interval, percent
from stethoscope.stats.figure import Figure


def header(inputs: ClassInputs) -> Header:
    """Return the header of the report."""
    evaluation = inputs.evaluation
    accuracy, labels = Figure(**evaluation["accuracy"]), evaluation["labels"]
    sources = ", ".join(sorted({clip.source for clip in inputs.store.clips} - {""}))
    n_right = len(inputs.answers) - len(inputs.mistakes)
    headline = f"{n_right:,} of {count(len(inputs.answers), 'clip')} classified correctly"
    chance = max(one["clips"] for one in evaluation["classes"]) / len(inputs.answers)
    summary = (
        f"{len(labels):,} classes, measured by cross-validation with {len(evaluation['folds'])} "
        "folds: each clip was classified by a network that was not trained on its recording."
    )
    ends = f"95 % interval {interval(accuracy, share=True)}"
    balanced = percent(evaluation["balanced_accuracy"])
    return Header(
        title=f"Sound classification: {headline}",
        subject=["Sound classification", inputs.fit["network"], sources],
        headline=headline,
        summary=summary,
        tiles=[
            tile("Accuracy", percent(accuracy.value or 0.0), ends),
            tile("Balanced accuracy", balanced, "mean recall of the classes"),
            tile("Macro F1", f"{evaluation['macro_f1']:.3f}", "mean F1 of the classes"),
            tile("Chance", percent(chance), "accuracy of always giving the most frequent class"),
        ],
    )


def class_section(inputs: ClassInputs) -> Section:
    """Return the figures of each class."""
    text = (
        "Precision: fraction of the clips classified as the class that belong to it. Recall: "
        "fraction of the clips of the class that were classified as it. F1: harmonic mean of both. "
        "The ranges in small print are 95 % intervals."
    )
    table = class_table(inputs.evaluation["classes"])
    return section("classes", "Results per class", tag("p", text), table)


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
