"""Measure an event detector on recordings that it was not trained on."""

from kfp import dsl

from components import component


@component
def evaluate_events(
    features: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    results: dsl.Output[dsl.Artifact],
    figures: dsl.Output[dsl.Metrics],
    event_tolerance: float = 0.3,
    fingerprint: str = "",
):
    """Score the test recordings by the exported networks, and measure windows and events.

    Args:
        features: Feature store of whole recordings.
        clips: Table of the recordings and their labelled intervals.
        model: Fitted event detector.
        event_tolerance: How far start and end of a found event may lie from the true ones, in seconds.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        results: Figures, events found, and scores of all test windows.
        figures: The main figures; what cannot be computed is left out.
    """
    from stethoscope.events.evaluate import evaluate_events, viewer_figures

    evaluation = evaluate_events(
        features.path, clips.path, model.path, results.path, tolerance=event_tolerance
    )
    results.metadata["fingerprint"] = fingerprint
    for name, value in viewer_figures(evaluation).items():
        figures.log_metric(name, value)
