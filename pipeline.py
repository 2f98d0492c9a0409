"""The main pipeline: from an archive of recordings to an exported detector.

``python pipeline.py`` writes ``pipeline.yaml``.
"""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from kfp import compiler, dsl

from components.check_parameters import check_parameters
from components.download import download
from components.evaluate_detector import evaluate_detector
from components.export_model import export_model
from components.extract_features import extract_features
from components.metrics import metrics
from components.placement import place
from components.report import report
from components.roc_curve import roc_curve
from components.train_detector import train_detector


@dsl.pipeline(
    name="stethoscope", description="Learn what a machine sounds like when it is well, and find the recordings in which it is not."
)
def stethoscope(
    dataset_url: str = "simulated/fan",
    dataset_layout: str = "auto",
    dataset_md5: str = "",
    max_fpr: float = 0.1,
    feature_n_mels: int = 128,
    feature_frames: int = 5,
    feature_n_fft: int = 1024,
    feature_hop_length: int = 512,
    feature_power: float = 2.0,
    feature_channel: int = 0,
    feature_sample_rate: int = 0,
    feature_pad_mode: str = "reflect",
    detector: str = "pooled-gmm",
    detector_score: str = "",
    detector_members: str = "pooled-gmm,autoencoder",
    detector_epochs: int = 16,
    detector_epoch_share: float = 1.0,
    detector_false_alarm_rate: float = 0.1,
    detector_threshold: str = "gamma",
    fit_compile_optimizer: str = "adam",
    fit_compile_loss: str = "mean_squared_error",
    fit_epochs: int = 100,
    fit_batch_size: int = 512,
    fit_shuffle: bool = True,
    fit_validation_split: float = 0.1,
    fit_verbose: int = 1,
    export_formats: str = "keras,tflite",
    seed: int = 0,
) -> NamedTuple("Outputs", [("results", dsl.Artifact), ("page", dsl.HTML), ("bundle", dsl.Model)]):
    """Detect anomalies.

    Args:
        dataset_url: Address of an archive (http, https, file), a folder, a name of the catalogue or simulated/<machine>; several separated by commas.
        dataset_layout: How the recordings are named: auto, or a layout that `stethoscope inspect` knows.
        dataset_md5: Expected MD5 of each archive, separated by commas; empty where unknown.
        max_fpr: Largest false-positive rate of the partial AUC.
        feature_n_mels: Number of mel bands.
        feature_frames: Frames per window of a network.
        feature_n_fft: Length of a frame, in samples.
        feature_hop_length: Step from frame to frame, in samples.
        feature_power: Exponent of the magnitude spectrum; 1 magnitude, 2 energy.
        feature_channel: Channel of the recordings, from 0.
        feature_sample_rate: Rate that recordings are brought to, in Hz; 0 takes the first recording's.
        feature_pad_mode: How the ends of a clip are extended, reflect or constant.
        detector: How normal is learned: pooled-gmm (takes seconds), autoencoder (the DCASE 2020 baseline), interpolation, id-classifier or ensemble; docs/detectors.md compares them.
        detector_score: How a clip is scored: mse or mahalanobis for autoencoder and interpolation, cosine or mahalanobis for id-classifier, mean or max for ensemble; empty takes the first.
        detector_members: Members of an ensemble, separated by commas.
        detector_epochs: Epochs of the id-classifier.
        detector_epoch_share: Share of the training windows that one epoch takes, drawn anew for every epoch.
        detector_false_alarm_rate: Share of normal clips that may be called anomalous; sets the thresholds.
        detector_threshold: How a threshold is drawn from the scores of normal clips: gamma (fits a distribution) or empirical (a rank, assumes nothing).
        fit_compile_optimizer: Keras's name of the optimizer.
        fit_compile_loss: Keras's name of the loss.
        fit_epochs: Epochs of training.
        fit_batch_size: Windows per step.
        fit_shuffle: Draw windows in random order.
        fit_validation_split: Share of each machine's recordings held out from training; thresholds are made from them.
        fit_verbose: 0 silent, 1 a progress bar, 2 a line per epoch.
        export_formats: Formats of the networks, separated by commas: tflite (always there), keras, h5.
        seed: Seed of everything random.

    Returns:
        results: Scores, official result files, thresholds and figures.
        page: The report, one self-contained HTML file.
        bundle: The exported model.
    """
    checked = check_parameters(
        dataset_url=dataset_url,
        dataset_layout=dataset_layout,
        dataset_md5=dataset_md5,
        max_fpr=max_fpr,
        feature_n_mels=feature_n_mels,
        feature_frames=feature_frames,
        feature_n_fft=feature_n_fft,
        feature_hop_length=feature_hop_length,
        feature_power=feature_power,
        feature_channel=feature_channel,
        feature_sample_rate=feature_sample_rate,
        feature_pad_mode=feature_pad_mode,
        detector=detector,
        detector_score=detector_score,
        detector_members=detector_members,
        detector_epochs=detector_epochs,
        detector_epoch_share=detector_epoch_share,
        detector_false_alarm_rate=detector_false_alarm_rate,
        detector_threshold=detector_threshold,
        fit_compile_optimizer=fit_compile_optimizer,
        fit_compile_loss=fit_compile_loss,
        fit_epochs=fit_epochs,
        fit_batch_size=fit_batch_size,
        fit_shuffle=fit_shuffle,
        fit_validation_split=fit_validation_split,
        fit_verbose=fit_verbose,
        export_formats=export_formats,
        seed=seed,
    )
    place(checked, "Check parameters", timeout=timedelta(minutes=15)).set_caching_options(False)

    downloaded = download(dataset_url=dataset_url, dataset_layout=dataset_layout, dataset_md5=dataset_md5, seed=seed).after(checked)
    place(downloaded, "Download recordings", timeout=timedelta(hours=12), retries=3).set_caching_options(False)
    recordings, fingerprint = downloaded.outputs["recordings"], downloaded.outputs["fingerprint"]

    extracted = extract_features(
        recordings=recordings,
        clips=downloaded.outputs["clips"],
        feature_n_mels=feature_n_mels,
        feature_frames=feature_frames,
        feature_n_fft=feature_n_fft,
        feature_hop_length=feature_hop_length,
        feature_power=feature_power,
        feature_channel=feature_channel,
        feature_sample_rate=feature_sample_rate,
        feature_pad_mode=feature_pad_mode,
        fingerprint=fingerprint,
    )
    place(extracted, "Extract features", cpu=("1", "4"), memory=("1Gi", "4Gi"), timeout=timedelta(hours=6))
    # One thread per processor decodes and transforms; BLAS must not open more of its own.
    extracted.set_env_variable("OPENBLAS_NUM_THREADS", "1")
    features = extracted.outputs["features"]

    trained = train_detector(
        features=features,
        detector=detector,
        detector_score=detector_score,
        detector_members=detector_members,
        detector_epochs=detector_epochs,
        detector_epoch_share=detector_epoch_share,
        feature_frames=feature_frames,
        fit_compile_optimizer=fit_compile_optimizer,
        fit_compile_loss=fit_compile_loss,
        fit_epochs=fit_epochs,
        fit_batch_size=fit_batch_size,
        fit_shuffle=fit_shuffle,
        fit_validation_split=fit_validation_split,
        fit_verbose=fit_verbose,
        seed=seed,
        fingerprint=fingerprint,
    )
    place(trained, "Train detector", cpu=("2", "8"), memory=("2Gi", "8Gi"), timeout=timedelta(hours=24), uses_gpu=True)
    model = trained.outputs["model"]

    evaluated = evaluate_detector(
        features=features,
        model=model,
        max_fpr=max_fpr,
        detector_false_alarm_rate=detector_false_alarm_rate,
        detector_threshold=detector_threshold,
        seed=seed,
        fingerprint=fingerprint,
    )
    place(evaluated, "Evaluate detector", cpu=("1", "4"), memory=("1Gi", "4Gi"))
    scores, results = evaluated.outputs["scores"], evaluated.outputs["results"]

    place(roc_curve(scores=scores), "ROC curve")
    place(metrics(scores=scores, max_fpr=max_fpr, seed=seed), "Metrics")
    exported = export_model(model=model, results=results, export_formats=export_formats, fingerprint=fingerprint)
    place(exported, "Export model", memory=("1Gi", "4Gi"))
    told = report(recordings=recordings, features=features, model=model, results=results, fingerprint=fingerprint)
    place(told, "Report", memory=("1Gi", "4Gi"))

    outputs = NamedTuple("Outputs", [("results", dsl.Artifact), ("page", dsl.HTML), ("bundle", dsl.Model)])
    return outputs(results=results, page=told.outputs["page"], bundle=exported.outputs["bundle"])


if __name__ == "__main__":
    compiler.Compiler().compile(stethoscope, str(Path(__file__).with_suffix(".yaml")))
