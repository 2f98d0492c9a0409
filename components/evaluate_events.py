"""Measure an event detector on recordings that it was not trained on."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.events.options import EVENT_FIT


@component(EVENT_FIT["tolerance"])
def evaluate_events(
    features: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    results: dsl.Output[dsl.Artifact],
    figures: dsl.Output[dsl.Metrics],
    **parameters: Any,
) -> None:
    """Score the test recordings by the exported networks, and measure windows and events.

    Args:
        features: Feature store of whole recordings.
        clips: Table of the recordings and their labelled intervals.
        model: Fitted event detector.

    Returns:
        results: Figures, events found, and scores of all test windows.
        figures: The main figures; what cannot be computed is left out.
    """
    from stethoscope.events.evaluate import evaluate_events, viewer_figures

    evaluation = evaluate_events(
        features.path,
        clips.path,
        model.path,
        results.path,
        tolerance=parameters["event_tolerance"],
    )
    for name, value in viewer_figures(evaluation).items():
        figures.log_metric(name, value)
