"""Labelled sounds: from recordings with classes to a classifier, measured by cross-validation.

``python -m pipelines.sound_classification`` writes ``sound_classification.yaml`` beside it.
"""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from kfp import compiler, dsl

from components.check_sounds import check_sounds
from components.download import download
from components.evaluate_classes import evaluate_classes
from components.extract_sounds import extract_sounds
from components.placement import place
from components.report_classes import report_classes
from components.train_classes import train_classes


@dsl.pipeline(
    name="sound-classification", description="Learn classes of sound from labelled recordings."
)
def sound_classification(
    dataset_url: str,
    dataset_layout: str = "auto",
    dataset_md5: str = "",
    class_network: str = "mel-cnn",
    class_sample_rate: int = 0,
    class_channel: int = 0,
    class_channels: int = 1,
    class_seconds: float = 0.0,
    class_pad: str = "repeat",
    class_cut: bool = False,
    class_augmentations: str = "",
    class_filters: str = "16,32,64,128",
    class_dropout: float = 0.2,
    class_epochs: int = 120,
    class_patience: int = 40,
    class_batch_size: int = 16,
    class_learning_rate: float = 0.003,
    class_weight_decay: float = 0.01,
    class_validation_split: float = 0.0,
    class_shift: float = 1.0,
    class_mask: float = 0.1,
    class_mixup: float = 0.2,
    class_folds: int = 0,
    seed: int = 0,
) -> NamedTuple("Outputs", [("results", dsl.Artifact), ("model", dsl.Model), ("page", dsl.HTML)]):
    """Classify sounds.

    Args:
        dataset_url: Address of an archive (http, https, file) or a folder of labelled recordings; several separated by commas.
        dataset_layout: auto or urbansound8k (metadata/UrbanSound8K.csv and folds), or folders (a folder per class).
        dataset_md5: Expected MD5 of each archive, separated by commas; empty where unknown.
        class_network: mel-cnn (64 mel bands) or mfcc-cnn (40 cepstral coefficients).
        class_sample_rate: Rate that recordings are brought to, in Hz; 0 takes the first recording's.
        class_channel: First channel of the recordings that is heard, from 0.
        class_channels: Neighbouring channels that are heard, 1 mono, 2 stereo; a mono recording is heard alike on both.
        class_seconds: Length that the network hears at once; 0 takes the clips' median length.
        class_pad: How a clip shorter than class_seconds is extended: repeat, with its own end, or silence, before and after it.
        class_cut: Hear only the first class_seconds of a longer clip, instead of all of it in several windows.
        class_augmentations: Altered versions to train on as well, separated by commas, such as "noise 0.005, roll 1600, stretch 0.8-1.25".
        class_filters: Filters of each convolution, separated by commas.
        class_dropout: Share of values dropped while training.
        class_epochs: Most epochs of training.
        class_patience: Epochs without a lower validation loss before training stops.
        class_batch_size: Clips per step.
        class_learning_rate: Highest learning rate.
        class_weight_decay: Share of every weight, times the learning rate, taken off at each step.
        class_validation_split: Share of every class's recordings that watches the training; 0 trains all epochs on all.
        class_shift: Largest share of their length by which clips are turned round in time while training.
        class_mask: Largest share of each of two masks in time and two in frequency.
        class_mixup: Parameter of the beta distribution by which pairs of clips are mixed; 0 mixes none.
        class_folds: Folds drawn by recording; 0 takes the folds that the set gives.
        seed: Seed of everything random.

    Returns:
        results: Figures, answers about every clip, and the confusion matrix.
        model: Classifier trained on all labelled clips.
        page: The report.
    """
    checked = check_sounds(
        dataset_url=dataset_url,
        dataset_layout=dataset_layout,
        dataset_md5=dataset_md5,
        class_network=class_network,
        class_sample_rate=class_sample_rate,
        class_channel=class_channel,
        class_channels=class_channels,
        class_seconds=class_seconds,
        class_pad=class_pad,
        class_cut=class_cut,
        class_augmentations=class_augmentations,
        class_filters=class_filters,
        class_dropout=class_dropout,
        class_epochs=class_epochs,
        class_patience=class_patience,
        class_batch_size=class_batch_size,
        class_learning_rate=class_learning_rate,
        class_weight_decay=class_weight_decay,
        class_validation_split=class_validation_split,
        class_shift=class_shift,
        class_mask=class_mask,
        class_mixup=class_mixup,
        class_folds=class_folds,
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

    extracted = extract_sounds(
        recordings=recordings,
        clips=clips,
        class_network=class_network,
        class_sample_rate=class_sample_rate,
        class_channel=class_channel,
        class_channels=class_channels,
        class_seconds=class_seconds,
        class_pad=class_pad,
        class_cut=class_cut,
        class_augmentations=class_augmentations,
        class_folds=class_folds,
        seed=seed,
        fingerprint=fingerprint,
    )
    place(
        extracted,
        "Extract features",
        cpu=("1", "4"),
        memory=("1Gi", "4Gi"),
        timeout=timedelta(hours=6),
    )
    features = extracted.outputs["features"]

    evaluated = evaluate_classes(
        features=features,
        class_network=class_network,
        class_filters=class_filters,
        class_dropout=class_dropout,
        class_epochs=class_epochs,
        class_patience=class_patience,
        class_batch_size=class_batch_size,
        class_learning_rate=class_learning_rate,
        class_weight_decay=class_weight_decay,
        class_validation_split=class_validation_split,
        class_shift=class_shift,
        class_mask=class_mask,
        class_mixup=class_mixup,
        class_folds=class_folds,
        seed=seed,
        fingerprint=fingerprint,
    )
    place(
        evaluated,
        "Cross-validate",
        cpu=("2", "8"),
        memory=("2Gi", "8Gi"),
        timeout=timedelta(hours=24),
        uses_gpu=True,
    )
    results = evaluated.outputs["results"]

    trained = train_classes(
        features=features,
        class_network=class_network,
        class_filters=class_filters,
        class_dropout=class_dropout,
        class_epochs=class_epochs,
        class_patience=class_patience,
        class_batch_size=class_batch_size,
        class_learning_rate=class_learning_rate,
        class_weight_decay=class_weight_decay,
        class_validation_split=class_validation_split,
        class_shift=class_shift,
        class_mask=class_mask,
        class_mixup=class_mixup,
        seed=seed,
        fingerprint=fingerprint,
    )
    place(
        trained,
        "Train classifier",
        cpu=("2", "8"),
        memory=("2Gi", "8Gi"),
        timeout=timedelta(hours=24),
        uses_gpu=True,
    )
    model = trained.outputs["model"]

    reported = report_classes(
        recordings=recordings,
        features=features,
        model=model,
        results=results,
        fingerprint=fingerprint,
    )
    place(reported, "Report")

    outputs = NamedTuple(
        "Outputs", [("results", dsl.Artifact), ("model", dsl.Model), ("page", dsl.HTML)]
    )
    return outputs(results=results, model=model, page=reported.outputs["page"])


if __name__ == "__main__":
    compiler.Compiler().compile(sound_classification, str(Path(__file__).with_suffix(".yaml")))
