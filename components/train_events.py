"""Learn what an event sounds like."""

from kfp import dsl

from components import component


@component
def train_events(
    features: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    training: dsl.Output[dsl.Metrics],
    event_window: int = 32,
    event_stride: int = 8,
    event_filters: str = "8,8",
    event_strides: str = "1",
    event_kernel: int = 3,
    event_dropout: float = 0.0,
    event_augmentation: bool = False,
    event_epochs: int = 100,
    event_patience: int = 16,
    event_batch_size: int = 128,
    event_labels: str = "",
    event_division: str = "recording",
    event_interval: float = 45.0,
    event_hold_off: int = 4,
    event_tolerance: float = 0.3,
    seed: int = 0,
    fingerprint: str = "",
):
    """Fit a tiny network that tells whether a window of sound lies inside a labelled event.

    Args:
        features: Feature store of whole recordings.
        clips: Table of the recordings and their labelled intervals.
        event_window: Frames per window.
        event_stride: Frames from window to window.
        event_filters: Filters of each convolution, separated by commas.
        event_strides: Frames from output to output of each convolution, separated by commas; one number holds for all.
        event_kernel: Frames that a convolution spans.
        event_dropout: Share of values dropped before the last layer while training.
        event_augmentation: Train on windows at more places, louder and softer, with other recordings' background mixed in.
        event_epochs: Most epochs of training.
        event_patience: Epochs without a lower validation loss before training stops.
        event_batch_size: Windows per step.
        event_labels: Labels that count as events, separated by commas; empty takes all.
        event_division: Divide recordings at random (recording) or all windows in order (sequential) into 60, 20 and 20 %.
        event_interval: Expected time from event to event where the detector will listen, in seconds; rarer events must bring more evidence.
        event_hold_off: Windows after the end of an event until it is told.
        event_tolerance: How far start and end of a found event may lie from the true ones, in seconds.
        seed: Seed of weights, shuffling and the division.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        model: Fitted detector with its float and int8 network and their thresholds.
        training: Number of windows, epochs, final losses and accuracies.
    """
    from pathlib import Path

    from stethoscope.datasets.clips import read_clips
    from stethoscope.events.options import event_fit
    from stethoscope.events.train import train_events
    from stethoscope.features.store import FeatureStore

    fit = event_fit(
        window=event_window,
        stride=event_stride,
        filters=event_filters,
        strides=event_strides,
        kernel=event_kernel,
        dropout=event_dropout,
        augmentation=event_augmentation,
        epochs=event_epochs,
        patience=event_patience,
        batch_size=event_batch_size,
        positive=event_labels,
        division=event_division,
        interval=event_interval,
        hold_off=event_hold_off,
        tolerance=event_tolerance,
        seed=seed,
    )
    trained = train_events(
        FeatureStore.open(features.path), read_clips(clips.path), fit, Path(model.path)
    )
    model.metadata["fingerprint"] = fingerprint
    for name, value in trained.metrics().items():
        training.log_metric(name, value)
