"""Train the classifier of faults."""

from typing import Any

from kfp import dsl

from components import training_component
from stethoscope.classification.options import TEST_SPLIT
from stethoscope.diagnosis.options import FAULT_FIT, HOLDOUT_ID


@training_component(FAULT_FIT, TEST_SPLIT, HOLDOUT_ID)
def train_diagnosis(
    features: dsl.Input[dsl.Dataset],
    groups: dsl.Input[dsl.Artifact],
    model: dsl.Output[dsl.Model],
    training: dsl.Output[dsl.Metrics],
    **parameters: Any,
) -> None:
    """Fit a classifier of normal clips and the groups of faults.

    Args:
        features: Feature store of anomalous and normal clips.
        groups: Groups of the anomalous clips.

    Returns:
        model: Classifier with its network as Keras and TFLite, or why there is nothing to diagnose.
        training: Numbers of clips, the best epoch, accuracy before training, duration.
    """
    from stethoscope.classification.options import TEST_SPLIT
    from stethoscope.diagnosis.options import FAULT_FIT, HOLDOUT_ID
    from stethoscope.diagnosis.train import fit_diagnosis
    from stethoscope.kubeflow.warnings import keep_warnings

    trained = fit_diagnosis(
        features.path,
        groups.path,
        FAULT_FIT.of(parameters),
        model.path,
        test_split=TEST_SPLIT.of(parameters),
        holdout_id=HOLDOUT_ID.of(parameters),
    )
    keep_warnings(model)
    for name, value in (trained.metrics() if trained else {}).items():
        training.log_metric(name, value)
