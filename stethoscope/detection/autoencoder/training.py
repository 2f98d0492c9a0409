"""The training loop of the networks here, in which many small steps take one call."""

from collections.abc import Iterator

import numpy as np

from stethoscope.detection.autoencoder.windows import WindowBatches
from stethoscope.detection.options import FitOptions
from stethoscope.errors import ParameterError
from stethoscope.model.progress import EpochProgress
from stethoscope.model.steps import Steps, ahead
from stethoscope.model.tensorflow import keras, tf
from stethoscope.sound.definition import Frames


def train_network(
    network: keras.Model,
    training: WindowBatches,
    validation: WindowBatches | None,
    fit: FitOptions,
    *,
    label: str,
) -> dict[str, list[float]]:
    """Compile and train a network.

    Many of Keras's steps are taken in one call: a small network would spend a third of
    ``keras.Model.fit`` on the calls. The next windows are gathered meanwhile.

    Parameters
    ----------
    network : keras.Model
    training, validation : WindowBatches
    fit : FitOptions
    label : str
        What the progress is shown as.

    Returns
    -------
    dict of str to list of float
        Loss curves, ``{"loss": [...], "val_loss": [...]}``, each evenly spaced up to the last
        epoch.

    Raises
    ------
    ParameterError
        If the loss is no longer finite.
    """
    network.compile(fit.optimizer, fit.loss)
    network.optimizer.build(network.trainable_variables)
    train = Steps(network, network.train_step, expected=fit.epochs * len(training))
    test = Steps(network, network.test_step)
    curves: dict[str, list[float]] = {"loss": []}
    if validation is not None:
        curves["val_loss"] = []
    between = _epochs_between_validations(fit)
    progress = EpochProgress(label, fit.epochs, fit.verbose)
    for epoch in range(fit.epochs):
        losses = {"loss": train.take(ahead(training))["loss"]}
        if validation is not None and (epoch + 1) % between == 0:
            losses["val_loss"] = test.take(ahead(validation))["loss"]
        for name, loss in losses.items():
            curves[name].append(loss)
        progress.on_epoch_end(epoch, losses)
        if not np.isfinite(list(losses.values())).all():
            raise ParameterError(
                f"training diverged after {epoch} epochs (the loss is not finite); "
                "choose another fit_compile_optimizer or fit_compile_loss"
            )
    progress.on_train_end()
    return curves


def prediction_errors(network: keras.Model, batches: WindowBatches) -> Iterator[Frames]:
    """Yield the errors of a network on each batch [shape=(batch, n_values), dtype=float32]."""
    # One graph for all sizes of batches; `predict_on_batch` would trace the last one again.
    predict = tf.function(lambda given: network(given, training=False)).get_concrete_function(
        tf.TensorSpec((None, *network.input_shape[1:]))
    )
    for several in ahead(batches):
        for given, wanted in zip(*several, strict=True):
            yield predict(tf.constant(given)).numpy() - wanted


def _epochs_between_validations(fit: FitOptions) -> int:
    """Return every how many epochs to validate.

    Validation then takes about as many windows as an epoch has, evenly over the training and after
    the last epoch.
    """
    most = round(1 / fit.epoch_share)
    return max(every for every in range(1, most + 1) if fit.epochs % every == 0)
