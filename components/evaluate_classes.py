"""Measure a classifier of labelled sounds."""

from kfp import dsl

from components import component


@component
def evaluate_classes(
    features: dsl.Input[dsl.Dataset],
    results: dsl.Output[dsl.Artifact],
    figures: dsl.Output[dsl.Metrics],
    confusion: dsl.Output[dsl.ClassificationMetrics],
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
    class_folds: int = 0,
    seed: int = 0,
    fingerprint: str = "",
):
    """Cross-validate: train without each fold in turn, and ask about its clips.

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
        class_folds: Folds drawn by recording; 0 takes the folds that the set gives.
        seed: Seed of everything random.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        results: Figures, answers about every clip, and the confusion matrix.
        figures: The main figures.
        confusion: Clips by true and answered class.
    """
    from stethoscope.classification.evaluate import evaluate_classes, viewer_figures
    from stethoscope.classification.options import ClassFit, whole_numbers

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
    evaluation = evaluate_classes(features.path, fit, results.path, n_folds=class_folds)
    results.metadata["fingerprint"] = fingerprint
    confusion.log_confusion_matrix(
        evaluation["labels"], [list(row) for row in evaluation["confusion"]]
    )
    for name, value in viewer_figures(evaluation).items():
        figures.log_metric(name, value)
