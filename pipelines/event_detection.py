"""Events in time: from recordings with time labels to a tiny detector, on a computer and on a microcontroller.

``python pipelines/event_detection.py`` writes ``event_detection.yaml`` beside it.
"""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from kfp import compiler, dsl

from components.check_events import check_events
from components.download import download
from components.evaluate_events import evaluate_events
from components.export_events import export_events
from components.extract_bands import extract_bands
from components.placement import place
from components.report_events import report_events
from components.train_events import train_events


@dsl.pipeline(
    name="event-detection",
    description="Learn what labelled events sound like, and find them in time.",
)
def event_detection(
    dataset_url: str = "simulated/bells",
    dataset_layout: str = "audacity",
    dataset_md5: str = "",
    event_sample_rate: int = 16000,
    event_channel: int = 0,
    event_n_fft: int = 256,
    event_hop_length: int = 128,
    event_n_bands: int = 48,
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
    export_max_drop: float = 0.02,
    seed: int = 0,
) -> NamedTuple("Outputs", [("results", dsl.Artifact), ("page", dsl.HTML), ("bundle", dsl.Model)]):
    """Detect events.

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

    Returns:
        results: Figures, events found, and scores of all test windows.
        page: The report, one self-contained HTML file.
        bundle: The exported model, with C for microcontrollers.
    """
    checked = check_events(
        dataset_url=dataset_url,
        dataset_layout=dataset_layout,
        dataset_md5=dataset_md5,
        event_sample_rate=event_sample_rate,
        event_channel=event_channel,
        event_n_fft=event_n_fft,
        event_hop_length=event_hop_length,
        event_n_bands=event_n_bands,
        event_window=event_window,
        event_stride=event_stride,
        event_filters=event_filters,
        event_strides=event_strides,
        event_kernel=event_kernel,
        event_dropout=event_dropout,
        event_augmentation=event_augmentation,
        event_epochs=event_epochs,
        event_patience=event_patience,
        event_batch_size=event_batch_size,
        event_labels=event_labels,
        event_division=event_division,
        event_interval=event_interval,
        event_hold_off=event_hold_off,
        event_tolerance=event_tolerance,
        export_max_drop=export_max_drop,
        seed=seed,
    )
    place(checked, "Check parameters", timeout=timedelta(minutes=15)).set_caching_options(False)

    downloaded = download(
        dataset_url=dataset_url, dataset_layout=dataset_layout, dataset_md5=dataset_md5, seed=seed
    ).after(checked)
    place(
        downloaded, "Download recordings", timeout=timedelta(hours=12), retries=3
    ).set_caching_options(False)
    recordings, clips, fingerprint = (
        downloaded.outputs[name] for name in ("recordings", "clips", "fingerprint")
    )

    extracted = extract_bands(
        recordings=recordings,
        clips=clips,
        event_sample_rate=event_sample_rate,
        event_channel=event_channel,
        event_n_fft=event_n_fft,
        event_hop_length=event_hop_length,
        event_n_bands=event_n_bands,
        event_window=event_window,
        fingerprint=fingerprint,
    )
    place(
        extracted,
        "Extract band spectra",
        cpu=("1", "4"),
        memory=("1Gi", "4Gi"),
        timeout=timedelta(hours=6),
    )
    features = extracted.outputs["features"]

    trained = train_events(
        features=features,
        clips=clips,
        event_window=event_window,
        event_stride=event_stride,
        event_filters=event_filters,
        event_strides=event_strides,
        event_kernel=event_kernel,
        event_dropout=event_dropout,
        event_augmentation=event_augmentation,
        event_epochs=event_epochs,
        event_patience=event_patience,
        event_batch_size=event_batch_size,
        event_labels=event_labels,
        event_division=event_division,
        event_interval=event_interval,
        event_hold_off=event_hold_off,
        event_tolerance=event_tolerance,
        seed=seed,
        fingerprint=fingerprint,
    )
    place(
        trained,
        "Train event detector",
        cpu=("2", "8"),
        memory=("2Gi", "8Gi"),
        timeout=timedelta(hours=24),
        uses_gpu=True,
    )
    model = trained.outputs["model"]

    evaluated = evaluate_events(
        features=features,
        clips=clips,
        model=model,
        event_tolerance=event_tolerance,
        fingerprint=fingerprint,
    )
    place(evaluated, "Evaluate event detector", cpu=("1", "4"), memory=("1Gi", "4Gi"))
    results = evaluated.outputs["results"]

    exported = export_events(
        model=model, results=results, export_max_drop=export_max_drop, fingerprint=fingerprint
    )
    place(exported, "Export model and C", memory=("1Gi", "4Gi"))
    told = report_events(
        recordings=recordings,
        features=features,
        clips=clips,
        model=model,
        results=results,
        fingerprint=fingerprint,
    )
    place(told, "Report", memory=("1Gi", "4Gi"))

    outputs = NamedTuple(
        "Outputs", [("results", dsl.Artifact), ("page", dsl.HTML), ("bundle", dsl.Model)]
    )
    return outputs(results=results, page=told.outputs["page"], bundle=exported.outputs["bundle"])


if __name__ == "__main__":
    compiler.Compiler().compile(event_detection, str(Path(__file__).with_suffix(".yaml")))
