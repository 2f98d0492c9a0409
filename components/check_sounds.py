"""Refuse what cannot work, before anything is downloaded."""

from components import component


@component
def check_sounds(
    dataset_url: str,
    dataset_layout: str,
    dataset_md5: str,
    class_network: str,
    class_sample_rate: int,
    class_channel: int,
    class_channels: int,
    class_seconds: float,
    class_pad: str,
    class_cut: bool,
    class_augmentations: str,
    class_filters: str,
    class_dropout: float,
    class_epochs: int,
    class_patience: int,
    class_batch_size: int,
    class_learning_rate: float,
    class_weight_decay: float,
    class_validation_split: float,
    class_shift: float,
    class_mask: float,
    class_mixup: float,
    class_folds: int,
):
    """Check all parameters of the sound-classification pipeline.

    Args:
        dataset_url: Address of an archive or a folder of labelled recordings; several separated by commas.
        dataset_layout: Layout of the set.
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
    """
    from stethoscope.monitoring.check import check_sounds

    check_sounds(
        dataset_url=dataset_url,
        dataset_layout=dataset_layout,
        dataset_md5=dataset_md5,
        feature={
            "network": class_network,
            "sample_rate": class_sample_rate,
            "channel": class_channel,
            "channels": class_channels,
            "seconds": class_seconds,
            "pad": class_pad,
            "cut": class_cut,
        },
        fit={
            "network": class_network,
            "filters": class_filters,
            "dropout": class_dropout,
            "epochs": class_epochs,
            "patience": class_patience,
            "batch_size": class_batch_size,
            "learning_rate": class_learning_rate,
            "weight_decay": class_weight_decay,
            "validation_split": class_validation_split,
            "shift": class_shift,
            "mask": class_mask,
            "mixup": class_mixup,
        },
        augmentations=class_augmentations,
        folds=class_folds,
    )
