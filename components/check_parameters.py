"""Zeroth step: refuse what cannot work, all of it at once, before anything is downloaded."""

from components import component


@component
def check_parameters(
    dataset_url: str,
    dataset_layout: str,
    dataset_md5: str,
    max_fpr: float,
    feature_n_mels: int,
    feature_frames: int,
    feature_n_fft: int,
    feature_hop_length: int,
    feature_power: float,
    feature_channel: int,
    feature_sample_rate: int,
    feature_pad_mode: str,
    detector: str,
    detector_score: str,
    detector_members: str,
    detector_epochs: int,
    detector_epoch_share: float,
    detector_false_alarm_rate: float,
    detector_threshold: str,
    fit_compile_optimizer: str,
    fit_compile_loss: str,
    fit_epochs: int,
    fit_batch_size: int,
    fit_shuffle: bool,
    fit_validation_split: float,
    fit_verbose: int,
    export_formats: str,
    seed: int,
):
    """Check the pipeline's parameters.

    Args:
        dataset_url: Address of the recordings.
        dataset_layout: How the recordings are named.
        dataset_md5: Expected MD5 of each archive.
        max_fpr: Largest false-positive rate of the partial AUC.
        feature_n_mels: Number of mel bands.
        feature_frames: Frames per window.
        feature_n_fft: Length of a frame, in samples.
        feature_hop_length: Step from frame to frame, in samples.
        feature_power: Exponent of the magnitude spectrum.
        feature_channel: Channel of the recordings.
        feature_sample_rate: Rate that recordings are brought to, in Hz.
        feature_pad_mode: How the ends of a clip are extended.
        detector: Name of the detector.
        detector_score: How a clip is scored.
        detector_members: Members of an ensemble.
        detector_epochs: Epochs of the id-classifier.
        detector_epoch_share: Share of the training windows that one epoch takes.
        detector_false_alarm_rate: Share of normal clips that may be called anomalous.
        detector_threshold: How a threshold is drawn from the scores of normal clips.
        fit_compile_optimizer: Keras's name of the optimizer.
        fit_compile_loss: Keras's name of the loss.
        fit_epochs: Epochs of training.
        fit_batch_size: Windows per step.
        fit_shuffle: Draw windows in random order.
        fit_validation_split: Share of each machine's recordings held out from training.
        fit_verbose: How progress is shown.
        export_formats: Formats of the networks.
        seed: Seed of everything random.
    """
    from stethoscope.check import check_detection

    check_detection(
        dataset_url=dataset_url,
        dataset_layout=dataset_layout,
        dataset_md5=dataset_md5,
        max_fpr=max_fpr,
        false_alarm_rate=detector_false_alarm_rate,
        threshold=detector_threshold,
        context=feature_frames,
        export_formats=export_formats,
        feature={
            "sample_rate": feature_sample_rate,
            "channel": feature_channel,
            "n_fft": feature_n_fft,
            "hop_length": feature_hop_length,
            "n_mels": feature_n_mels,
            "power": feature_power,
            "pad_mode": feature_pad_mode,
        },
        detector={"name": detector, "score": detector_score, "members": detector_members, "epochs": detector_epochs},
        fit={
            "compile_optimizer": fit_compile_optimizer,
            "compile_loss": fit_compile_loss,
            "epochs": fit_epochs,
            "batch_size": fit_batch_size,
            "shuffle": fit_shuffle,
            "validation_split": fit_validation_split,
            "verbose": fit_verbose,
            "epoch_share": detector_epoch_share,
            "seed": seed,
        },
    )
