"""Score the test clips by the exported model and measure how well it detects."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.detection.options import MAX_FPR, THRESHOLDS
from stethoscope.options import SEED


@component(MAX_FPR, THRESHOLDS, SEED)
def evaluate_detector(
    features: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    scores: dsl.Output[dsl.Dataset],
    results: dsl.Output[dsl.Artifact],
    **parameters: Any,
) -> None:
    """Score the test clips, set a threshold per machine, and measure.

    Args:
        features: Feature store.
        model: Fitted detector.

    Returns:
        scores: Score, threshold and decision of every test clip, scores.csv.
        results: Official result files, thresholds and figures.
    """
    from stethoscope.detection.evaluate import evaluate_detector
    from stethoscope.detection.options import THRESHOLDS

    thresholds = THRESHOLDS.of(parameters)
    evaluate_detector(
        features.path,
        model.path,
        results.path,
        scores=scores.path,
        max_fpr=parameters["max_fpr"],
        false_alarm_rate=thresholds.false_alarm_rate,
        method=thresholds.method,
        seed=parameters["seed"],
    )
