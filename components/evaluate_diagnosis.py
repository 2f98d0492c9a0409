"""Measure how well faults are recognised."""

from kfp import dsl

from components import component


@component()
def evaluate_diagnosis(
    features: dsl.Input[dsl.Dataset],
    groups: dsl.Input[dsl.Artifact],
    model: dsl.Input[dsl.Model],
    results: dsl.Output[dsl.Artifact],
    figures: dsl.Output[dsl.Metrics],
    confusion: dsl.Output[dsl.ClassificationMetrics],
) -> None:
    """Classify the recordings kept for the test by the exported diagnosis.

    Args:
        features: Feature store of anomalous and normal clips.
        groups: Groups of the anomalous clips.
        model: Classifier of faults.

    Returns:
        results: Figures, answers, groups and confusion matrix, or why there is nothing to diagnose.
        figures: The main figures.
        confusion: Test clips by group and answer.
    """
    from stethoscope.diagnosis.evaluate import evaluate_diagnosis, viewer_figures

    evaluation = evaluate_diagnosis(features.path, groups.path, model.path, results.path)
    results.metadata.update(nothing_to_diagnose=evaluation["reason"])
    if evaluation["figures"]:
        confusion.log_confusion_matrix(
            evaluation["labels"], [list(row) for row in evaluation["figures"]["confusion"]]
        )
    for name, value in viewer_figures(evaluation).items():
        figures.log_metric(name, value)
