"""Learn what labelled sounds are like."""

from kfp import dsl

from components import component


@component
def train_classes(
    features: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    training: dsl.Output[dsl.Metrics],
    class_network: str = "mel-cnn",
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
    seed: int = 0,
    fingerprint: str = "",
):
    """Fit the classifier that is delivered on the clips of all folds, as the cross-validation fitted those that it measured.

    Args:
        features: Feature store of labelled clips.
        class_network: mel-cnn (64 mel bands) or mfcc-cnn (40 cepstral coefficients).
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
        seed: Seed of everything random.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        model: Classifier with its network as Keras and TFLite.
        training: Numbers of clips, the best epoch, accuracy before training, duration.
    """
    from stethoscope.classification.options import ClassFit, whole_numbers
    from stethoscope.classification.train import train_classifier
    from stethoscope.features.store import FeatureStore

    fit = ClassFit(
        network=class_network,
        filters=whole_numbers(class_filters, "class_filters"),
        dropout=class_dropout,
        epochs=class_epochs,
        patience=class_patience,
        batch_size=class_batch_size,
        learning_rate=class_learning_rate,
        weight_decay=class_weight_decay,
        validation_split=class_validation_split,
        shift=class_shift,
        mask=class_mask,
        mixup=class_mixup,
        seed=seed,
    )
    store = FeatureStore.open(features.path)
    trained = train_classifier(store, [clip.label for clip in store.clips], fit, model.path)
    model.metadata["fingerprint"] = fingerprint
    for name, value in trained.metrics().items():
        training.log_metric(name, value)
