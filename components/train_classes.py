"""Train the classifier of labelled sounds."""

from typing import Any

from kfp import dsl

from components import training_component
from stethoscope.classification.options import CLASS_FIT


@training_component(CLASS_FIT)
def train_classes(
    features: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    training: dsl.Output[dsl.Metrics],
    **parameters: Any,
) -> None:
    """Fit the delivered classifier on the clips of all folds.

    Args:
        features: Feature store of labelled clips.

    Returns:
        model: Classifier with its network as Keras and TFLite.
        training: Numbers of clips, the best epoch, accuracy before training, duration.
    """
    from stethoscope.classification.options import CLASS_FIT
    from stethoscope.classification.train import train_classifier
    from stethoscope.features.store import FeatureStore

    store = FeatureStore.open(features.path)
    labels = [clip.label for clip in store.clips]
    trained = train_classifier(store, labels, CLASS_FIT.of(parameters), model.path)
    for name, value in trained.metrics().items():
        training.log_metric(name, value)
