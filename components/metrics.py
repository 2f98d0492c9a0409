"""Show scores.csv as figures in the user interface."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.detection.options import MAX_FPR
from stethoscope.options import SEED


@component(MAX_FPR, SEED)
def metrics(
    scores: dsl.Input[dsl.Dataset], figures: dsl.Output[dsl.Metrics], **parameters: Any
) -> None:
    """Log AUC, partial AUC and the quality of the decisions.

    Args:
        scores: Scores of the test clips, scores.csv.

    Returns:
        figures: Means over machines, and each machine's own; what cannot be computed is left out.
    """
    from stethoscope.detection.metrics import evaluate, values_by_name
    from stethoscope.detection.scores import read_scores

    evaluation = evaluate(read_scores(scores.path), **parameters)
    for name, value in values_by_name(evaluation).items():
        figures.log_metric(name, value)
