"""Measure a classifier of labelled sounds."""

from typing import Any

from kfp import dsl

from components import training_component
from stethoscope.classification.options import CLASS_FIT, FOLDS, TEST_SPLIT


@training_component(CLASS_FIT, FOLDS, TEST_SPLIT)
def evaluate_classes(
    features: dsl.Input[dsl.Dataset],
    results: dsl.Output[dsl.Artifact],
    figures: dsl.Output[dsl.Metrics],
    confusion: dsl.Output[dsl.ClassificationMetrics],
    **parameters: Any,
) -> None:
    """Train without each fold in turn, or without the test recordings, and classify their clips.

    Args:
        features: Feature store of labelled clips.

    Returns:
        results: Figures, the answer for every clip, and the confusion matrix.
        figures: The main figures.
        confusion: Clips by true and answered class.
    """
    from stethoscope.classification.cross_validation import evaluate_classes
    from stethoscope.classification.evaluate import viewer_figures
    from stethoscope.classification.options import CLASS_FIT, FOLDS, TEST_SPLIT

    evaluation = evaluate_classes(
        features.path,
        CLASS_FIT.of(parameters),
        results.path,
        n_folds=FOLDS.of(parameters),
        test_split=TEST_SPLIT.of(parameters),
    )
    confusion.log_confusion_matrix(
        evaluation["labels"], [list(row) for row in evaluation["confusion"]]
    )
    for name, value in viewer_figures(evaluation).items():
        figures.log_metric(name, value)
