"""Refuse what cannot work, before anything is downloaded."""

from components import component


@component
def check_events(
    dataset_url: str,
    dataset_layout: str,
    dataset_md5: str,
    event_sample_rate: int,
    event_channel: int,
    event_n_fft: int,
    event_hop_length: int,
    event_n_bands: int,
    event_window: int,
    event_stride: int,
    event_filters: str,
    event_strides: str,
    event_kernel: int,
    event_dropout: float,
    event_augmentation: bool,
    event_epochs: int,
    event_patience: int,
    event_batch_size: int,
    event_labels: str,
    event_division: str,
    event_interval: float,
    event_hold_off: int,
    event_tolerance: float,
    export_max_drop: float,
    seed: int,
):
    """Check all parameters of the event-detection pipeline.

    Args:
        dataset_url: Address of an archive (http, https, file) or a folder of audio_<id>.wav with labels_<id>.txt, or simulated/bells; several separated by commas.
        dataset_layout: How the recordings are named: auto, or a layout that `stethoscope inspect` knows.
        dataset_md5: Expected MD5 of each archive, separated by commas; empty where unknown.
        event_sample_rate: Rate that recordings are brought to, in Hz; 0 takes the first recording's.
        event_channel: Channel of the recordings, from 0.
        event_n_fft: Length of a frame, in samples; a power of two.
        event_hop_length: Step from frame to frame, in samples.
        event_n_bands: Bins of the spectrum that are kept, from the lowest.
        event_window: Frames per window of the network.
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
        export_max_drop: Largest fall of the test AUC from float to int8 that is accepted.
        seed: Seed of everything random.
    """
    from stethoscope.monitoring.check import check_events

    check_events(
        dataset_url=dataset_url,
        dataset_layout=dataset_layout,
        dataset_md5=dataset_md5,
        feature={
            "sample_rate": event_sample_rate,
            "channel": event_channel,
            "n_fft": event_n_fft,
            "hop_length": event_hop_length,
            "n_bands": event_n_bands,
        },
        fit={
            "window": event_window,
            "stride": event_stride,
            "filters": event_filters,
            "strides": event_strides,
            "kernel": event_kernel,
            "dropout": event_dropout,
            "augmentation": event_augmentation,
            "epochs": event_epochs,
            "patience": event_patience,
            "batch_size": event_batch_size,
            "positive": event_labels,
            "division": event_division,
            "interval": event_interval,
            "hold_off": event_hold_off,
            "tolerance": event_tolerance,
            "seed": seed,
        },
        max_drop=export_max_drop,
    )
