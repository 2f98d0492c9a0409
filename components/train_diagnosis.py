"""Learn to tell faults apart."""

from kfp import dsl

from components import component


@component
def train_diagnosis(
    features: dsl.Input[dsl.Dataset],
    groups: dsl.Input[dsl.Artifact],
    model: dsl.Output[dsl.Model],
    training: dsl.Output[dsl.Metrics],
    fault_holdout_id: str = "",
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
    seed: int = 0,
    fingerprint: str = "",
):
    """Fit a classifier of normal clips and the groups of faults.

    Args:
        features: Feature store of anomalous and normal clips.
        groups: Groups of the anomalous clips.
        fault_holdout_id: Machine id that the classifier of faults does not hear, and is tested on; empty tests on a share of all recordings.
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
        seed: Seed of everything random.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        model: Classifier with its network as Keras and TFLite, or why there is nothing to diagnose.
        training: Numbers of clips, the best epoch, accuracy before training, duration.
    """
    from stethoscope.classification.options import ClassFit, whole_numbers
    from stethoscope.diagnosis.evaluate import fit_diagnosis

    fit = ClassFit(
        network="mfcc-cnn",
        window=class_window,
        filters=whole_numbers(class_filters, "class_filters"),
        dropout=class_dropout,
        epochs=class_epochs,
        patience=class_patience,
        batch_size=class_batch_size,
        learning_rate=class_learning_rate,
        validation_split=class_validation_split,
        shift=class_shift,
        mask=class_mask,
        mixup=class_mixup,
        seed=seed,
    )
    trained = fit_diagnosis(
        features.path,
        groups.path,
        fit,
        model.path,
        test_split=class_test_split,
        holdout_id=fault_holdout_id,
    )
    model.metadata["fingerprint"] = fingerprint
    for name, value in (trained.metrics() if trained else {}).items():
        training.log_metric(name, value)
