"""The main pipeline: from an archive of recordings to an exported detector and diagnosis.

``python pipeline.py`` writes ``pipeline.yaml``.
"""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from kfp import compiler, dsl

from components.check_parameters import check_parameters
from components.download import download
from components.evaluate_detector import evaluate_detector
from components.evaluate_diagnosis import evaluate_diagnosis
from components.export_model import export_model
from components.extract_cepstra import extract_cepstra
from components.extract_features import extract_features
from components.group_faults import group_faults
from components.metrics import metrics
from components.placement import place
from components.report import report
from components.roc_curve import roc_curve
from components.train_detector import train_detector
from components.train_diagnosis import train_diagnosis


@dsl.pipeline(
    name="stethoscope",
    description="Learn what a machine sounds like when it is well, find the recordings in which it is not, and tell its faults apart.",
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
    fault_groups: int = -1,
    fault_description: str = "deviation",
    fault_components: int = 2,
    fault_names: str = "",
    fault_normal_clips: int = -1,
    fault_holdout_id: str = "",
    fault_plots: str = "variance,scatter,elbow,map,map3d,distances,table,clips,confusion,curves,probabilities",
    fault_sample_rate: int = 0,
    fault_n_mfcc: int = 40,
    fault_n_fft: int = 2048,
    fault_hop_length: int = 512,
    class_augmentations: str = "",
    class_window: int = 64,
    class_filters: str = "8,16,32,64",
    class_dropout: float = 0.2,
    class_epochs: int = 40,
    class_patience: int = 8,
    class_batch_size: int = 32,
    class_learning_rate: float = 0.003,
    class_validation_split: float = 0.2,
    class_test_split: float = 0.2,
    class_shift: float = 1.0,
    class_mask: float = 0.1,
    class_mixup: float = 0.2,
    export_formats: str = "keras,tflite",
    seed: int = 0,
) -> NamedTuple(
    "Outputs",
    [
        ("results", dsl.Artifact),
        ("diagnosed", dsl.Artifact),
        ("page", dsl.HTML),
        ("bundle", dsl.Model),
    ],
):
    """Detect anomalies, and tell faults apart.

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
        fault_groups: Groups of faults that the anomalous recordings are divided into: -1 has the number chosen, 0 diagnoses nothing.
        fault_description: How clips are heard: deviation from the normal clips of their own machine, or plain, as they are, by which groups become machines.
        fault_components: Principal components that clips are grouped by.
        fault_names: Names of the groups, from the one with most clips, separated by commas, once somebody has listened to them.
        fault_normal_clips: Normal clips per machine id and signal-to-noise ratio that anomalous ones are compared with: -1 as many as these, at least 30; 0 all.
        fault_holdout_id: Machine id that the classifier of faults does not hear, and is tested on; empty tests on a share of all recordings.
        fault_plots: What the report shows of faults, separated by commas.
        fault_sample_rate: Rate that recordings are brought to for the diagnosis, in Hz; 0 takes the first recording's.
        fault_n_mfcc: Cepstral coefficients.
        fault_n_fft: Length of a frame of the diagnosis, in samples.
        fault_hop_length: Step from frame to frame of the diagnosis, in samples.
        class_augmentations: Altered versions to train the classifier of faults on as well, separated by commas, such as "noise 0.005, roll 1600, stretch 0.8-1.25".
        class_window: Frames that the network hears at once; 0 takes the clips' median length.
        class_filters: Filters of each convolution, separated by commas.
        class_dropout: Share of values dropped while training.
        class_epochs: Most epochs of training.
        class_patience: Epochs without a lower validation loss before training stops.
        class_batch_size: Windows per step.
        class_learning_rate: Learning rate.
        class_validation_split: Share of every class's recordings that watches the training; 0 trains all epochs on all.
        class_test_split: Share of every class's recordings that is kept for the test.
        class_shift: Largest share of their length by which clips are turned round in time while training.
        class_mask: Largest share of each of two masks in time and two in frequency.
        class_mixup: Parameter of the beta distribution by which pairs of clips are mixed; 0 mixes none.
        export_formats: Formats of the networks, separated by commas: tflite (always there), keras, h5.
        seed: Seed of everything random.

    Returns:
        results: Scores, official result files, thresholds and figures.
        diagnosed: Groups of faults and how well they are told apart, or why there is nothing to diagnose.
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
        fault_groups=fault_groups,
        fault_description=fault_description,
        fault_components=fault_components,
        fault_names=fault_names,
        fault_normal_clips=fault_normal_clips,
        fault_holdout_id=fault_holdout_id,
        fault_plots=fault_plots,
        fault_sample_rate=fault_sample_rate,
        fault_n_mfcc=fault_n_mfcc,
        fault_n_fft=fault_n_fft,
        fault_hop_length=fault_hop_length,
        class_augmentations=class_augmentations,
        class_window=class_window,
        class_filters=class_filters,
        class_dropout=class_dropout,
        class_epochs=class_epochs,
        class_patience=class_patience,
        class_batch_size=class_batch_size,
        class_learning_rate=class_learning_rate,
        class_validation_split=class_validation_split,
        class_test_split=class_test_split,
        class_shift=class_shift,
        class_mask=class_mask,
        class_mixup=class_mixup,
        export_formats=export_formats,
        seed=seed,
    )
    place(checked, "Check parameters", timeout=timedelta(minutes=15)).set_caching_options(False)

    downloaded = download(
        dataset_url=dataset_url, dataset_layout=dataset_layout, dataset_md5=dataset_md5, seed=seed
    ).after(checked)
    place(
        downloaded, "Download recordings", timeout=timedelta(hours=12), retries=3
    ).set_caching_options(False)
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
    place(
        extracted,
        "Extract features",
        cpu=("1", "4"),
        memory=("1Gi", "4Gi"),
        timeout=timedelta(hours=6),
    )
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
    place(
        trained,
        "Train detector",
        cpu=("2", "8"),
        memory=("2Gi", "8Gi"),
        timeout=timedelta(hours=24),
        uses_gpu=True,
    )
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

    heard = extract_cepstra(
        recordings=recordings,
        clips=downloaded.outputs["clips"],
        fault_groups=fault_groups,
        fault_normal_clips=fault_normal_clips,
        fault_holdout_id=fault_holdout_id,
        fault_sample_rate=fault_sample_rate,
        fault_n_mfcc=fault_n_mfcc,
        fault_n_fft=fault_n_fft,
        fault_hop_length=fault_hop_length,
        class_augmentations=class_augmentations,
        feature_channel=feature_channel,
        seed=seed,
        fingerprint=fingerprint,
    )
    place(
        heard, "Extract cepstra", cpu=("1", "4"), memory=("1Gi", "4Gi"), timeout=timedelta(hours=6)
    )
    heard.set_env_variable("OPENBLAS_NUM_THREADS", "1")
    cepstra = heard.outputs["features"]

    grouped = group_faults(
        features=cepstra,
        fault_groups=fault_groups,
        fault_description=fault_description,
        fault_components=fault_components,
        fault_names=fault_names,
        seed=seed,
        fingerprint=fingerprint,
    )
    place(grouped, "Group faults", memory=("1Gi", "4Gi"))
    groups = grouped.outputs["groups"]

    taught = train_diagnosis(
        features=cepstra,
        groups=groups,
        fault_holdout_id=fault_holdout_id,
        class_window=class_window,
        class_filters=class_filters,
        class_dropout=class_dropout,
        class_epochs=class_epochs,
        class_patience=class_patience,
        class_batch_size=class_batch_size,
        class_learning_rate=class_learning_rate,
        class_validation_split=class_validation_split,
        class_test_split=class_test_split,
        class_shift=class_shift,
        class_mask=class_mask,
        class_mixup=class_mixup,
        seed=seed,
        fingerprint=fingerprint,
    )
    place(
        taught,
        "Train diagnosis",
        cpu=("2", "8"),
        memory=("2Gi", "8Gi"),
        timeout=timedelta(hours=24),
        uses_gpu=True,
    )
    diagnosis = taught.outputs["model"]

    tested = evaluate_diagnosis(
        features=cepstra, groups=groups, model=diagnosis, fingerprint=fingerprint
    )
    place(tested, "Evaluate diagnosis", memory=("1Gi", "4Gi"))
    diagnosed = tested.outputs["results"]

    exported = export_model(
        model=model,
        results=results,
        diagnosis=diagnosis,
        diagnosed=diagnosed,
        export_formats=export_formats,
        fingerprint=fingerprint,
    )
    place(exported, "Export model", memory=("1Gi", "4Gi"))
    told = report(
        recordings=recordings,
        features=features,
        model=model,
        results=results,
        groups=groups,
        diagnosis=diagnosis,
        diagnosed=diagnosed,
        fault_plots=fault_plots,
        fingerprint=fingerprint,
    )
    place(told, "Report", memory=("1Gi", "4Gi"))

    outputs = NamedTuple(
        "Outputs",
        [
            ("results", dsl.Artifact),
            ("diagnosed", dsl.Artifact),
            ("page", dsl.HTML),
            ("bundle", dsl.Model),
        ],
    )
    return outputs(
        results=results,
        diagnosed=diagnosed,
        page=told.outputs["page"],
        bundle=exported.outputs["bundle"],
    )


if __name__ == "__main__":
    compiler.Compiler().compile(stethoscope, str(Path(__file__).with_suffix(".yaml")))
