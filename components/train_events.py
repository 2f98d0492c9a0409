"""Train the event detector."""

from typing import Any

from kfp import dsl

from components import training_component
from stethoscope.events.options import EVENT_FIT


@training_component(EVENT_FIT)
def train_events(
    features: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    training: dsl.Output[dsl.Metrics],
    **parameters: Any,
) -> None:
    """Fit a tiny network that decides whether a window of sound lies inside a labelled event.

    Args:
        features: Feature store of whole recordings.
        clips: Table of the recordings and their labelled intervals.

    Returns:
        model: Fitted detector with its float and int8 network and their thresholds.
        training: Number of windows, epochs, final losses and accuracies.
    """
    from pathlib import Path

    from stethoscope.datasets.clips import read_clips
    from stethoscope.events.options import event_fit
    from stethoscope.events.train import train_events
    from stethoscope.features.store import FeatureStore

    trained = train_events(
        FeatureStore.open(features.path),
        read_clips(clips.path),
        event_fit(parameters),
        Path(model.path),
    )
    for name, value in trained.metrics().items():
        training.log_metric(name, value)
