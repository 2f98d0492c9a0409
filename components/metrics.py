"""Show scores.csv as figures in the user interface."""

from kfp import dsl

from components import component


@component
def metrics(
    scores: dsl.Input[dsl.Dataset],
    figures: dsl.Output[dsl.Metrics],
    max_fpr: float = 0.1,
    seed: int = 0,
):
    """Log AUC, partial AUC and the quality of the decisions.

    Args:
        scores: Scores of the test clips, scores.csv.
        max_fpr: Largest false-positive rate of the partial AUC.
        seed: Seed of the bootstrap intervals.

    Returns:
        figures: Means over machines, and each machine's own; what cannot be computed is left out.
    """
    from stethoscope.detection.metrics import evaluate, values_by_name
    from stethoscope.detection.scores import read_scores

    for name, value in values_by_name(
        evaluate(read_scores(scores.path), max_fpr=max_fpr, seed=seed)
    ).items():
        figures.log_metric(name, value)
