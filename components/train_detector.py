"""Learn what normal sounds like."""

from typing import Any

from kfp import dsl

from components import training_component
from stethoscope.detection.options import DETECTOR, FIT


@training_component(DETECTOR, FIT)
def train_detector(
    features: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    loss_plot: dsl.Output[dsl.HTML],
    training: dsl.Output[dsl.Metrics],
    **parameters: Any,
) -> None:
    """Fit a detector on the normal clips.

    Args:
        features: Feature store.

    Returns:
        model: Fitted detector with the scores of normal clips.
        loss_plot: Loss over the epochs.
        training: Number of clips, duration and final losses.
    """
    from stethoscope.detection.detector import make_detector
    from stethoscope.detection.options import DETECTOR, FIT
    from stethoscope.detection.train import train_detector
    from stethoscope.features.store import FeatureStore
    from stethoscope.kubeflow.warnings import keep_warnings
    from stethoscope.report.training import write_loss_page

    options, fit = DETECTOR.of(parameters), FIT.of(parameters)
    trained = train_detector(
        FeatureStore.open(features.path),
        make_detector(options, fit),
        model.path,
        validation_split=fit.validation_split,
        seed=fit.seed,
    )
    write_loss_page(loss_plot.path, trained.curves)
    model.metadata.update(detector=options.name)
    keep_warnings(model)
    for name, value in trained.metrics().items():
        training.log_metric(name, value)
