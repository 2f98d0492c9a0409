"""Score the test clips by the exported model and measure how well it detects."""

from kfp import dsl

from components import component


@component
def evaluate_detector(
    features: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    scores: dsl.Output[dsl.Dataset],
    results: dsl.Output[dsl.Artifact],
    max_fpr: float = 0.1,
    detector_false_alarm_rate: float = 0.1,
    detector_threshold: str = "gamma",
    seed: int = 0,
    fingerprint: str = "",
):
    """Score the test clips, set a threshold per machine, and measure.

    Args:
        features: Feature store.
        model: Fitted detector.
        max_fpr: Largest false-positive rate of the partial AUC.
        detector_false_alarm_rate: Share of normal clips that may be called anomalous; sets the thresholds.
        detector_threshold: How a threshold is drawn from the scores of normal clips: gamma (fits a distribution) or empirical (a rank, assumes nothing).
        seed: Seed of the bootstrap intervals.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        scores: Score, threshold and decision of every test clip, scores.csv.
        results: Official result files, thresholds and figures.
    """
    from stethoscope.detection.evaluate import evaluate_detector

    evaluate_detector(
        features.path,
        model.path,
        results.path,
        scores=scores.path,
        max_fpr=max_fpr,
        false_alarm_rate=detector_false_alarm_rate,
        method=detector_threshold,
        seed=seed,
    )
    results.metadata["fingerprint"] = fingerprint
