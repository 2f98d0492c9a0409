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
    fault_groups: int,
    fault_description: str,
    fault_components: int,
    fault_names: str,
    fault_normal_clips: int,
    fault_holdout_id: str,
    fault_plots: str,
    fault_sample_rate: int,
    fault_n_mfcc: int,
    fault_n_fft: int,
    fault_hop_length: int,
    class_augmentations: str,
    class_window: int,
    class_filters: str,
    class_dropout: float,
    class_epochs: int,
    class_patience: int,
    class_batch_size: int,
    class_learning_rate: float,
    class_validation_split: float,
    class_test_split: float,
    class_shift: float,
    class_mask: float,
    class_mixup: float,
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
        export_formats: Formats of the networks.
        seed: Seed of everything random.
    """
    from stethoscope.monitoring.check import check_detection

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
        detector={
            "name": detector,
            "score": detector_score,
            "members": detector_members,
            "epochs": detector_epochs,
        },
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
        fault={
            "groups": fault_groups,
            "description": fault_description,
            "components": fault_components,
            "names": fault_names,
            "normal_clips": fault_normal_clips,
            "holdout_id": fault_holdout_id,
            "plots": fault_plots,
        },
        cepstra={
            "sample_rate": fault_sample_rate,
            "channel": feature_channel,
            "n_mfcc": fault_n_mfcc,
            "n_fft": fault_n_fft,
            "hop_length": fault_hop_length,
        },
        classes={
            "augmentations": class_augmentations,
            "window": class_window,
            "filters": class_filters,
            "dropout": class_dropout,
            "epochs": class_epochs,
            "patience": class_patience,
            "batch_size": class_batch_size,
            "learning_rate": class_learning_rate,
            "validation_split": class_validation_split,
            "test_split": class_test_split,
            "shift": class_shift,
            "mask": class_mask,
            "mixup": class_mixup,
        },
    )
