"""Show scores.csv as a ROC curve in the user interface."""

from kfp import dsl

from components import component


@component()
def roc_curve(
    scores: dsl.Input[dsl.Dataset], roc: dsl.Output[dsl.ClassificationMetrics], machine: str = ""
) -> None:
    """Draw the receiver operating characteristic.

    Args:
        scores: Scores of the test clips, scores.csv.
        machine: Machine type and id, fan/00; empty takes all, each relative to its own threshold.

    Returns:
        roc: The curve.
    """
    from stethoscope.detection.metrics import roc_relative_to_thresholds
    from stethoscope.detection.scores import read_scores

    curve = roc_relative_to_thresholds(read_scores(scores.path), machine=machine)
    if curve is not None:
        roc.log_roc_curve(curve.false_positive_rate, curve.true_positive_rate, curve.thresholds)
