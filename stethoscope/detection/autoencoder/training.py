"""The training loop of the networks here, in which many small steps take one call."""

from collections.abc import Callable
from typing import Any

import numpy as np

from stethoscope.detection.autoencoder.windows import WindowBatches
from stethoscope.detection.options import FitOptions
from stethoscope.errors import ParameterError
from stethoscope.model.progress import EpochProgress
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
    ``keras.Model.fit`` on the calls.

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
    train_step, test_step = (
        _compile_steps(network, step) for step in (network.train_step, network.test_step)
    )
    curves: dict[str, list[float]] = {"loss": []}
    if validation is not None:
        curves["val_loss"] = []
    between = _epochs_between_validations(fit)
    progress = EpochProgress(label, fit.epochs, fit.verbose)
    for epoch in range(fit.epochs):
        losses = {"loss": _mean_loss(network, train_step, training)}
        if validation is not None and (epoch + 1) % between == 0:
            losses["val_loss"] = _mean_loss(network, test_step, validation)
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


def _epochs_between_validations(fit: FitOptions) -> int:
    """Return every how many epochs to validate.

    Validation then takes about as many windows as an epoch has, evenly over the training and after
    the last epoch.
    """
    most = round(1 / fit.epoch_share)
    return max(every for every in range(1, most + 1) if fit.epochs % every == 0)


def _compile_steps(
    network: keras.Model, step: Callable[..., Any]
) -> Callable[[Frames, Frames], None]:
    """Return a graph that takes a step for every batch [shape=(n_batches, batch, n_values)]."""
    given, wanted = (
        tf.TensorSpec((None, None, shape[-1]))
        for shape in (network.input_shape, network.output_shape)
    )

    def steps(given: Any, wanted: Any) -> None:
        for batch in tf.range(tf.shape(given)[0]):
            step((given[batch], wanted[batch]))

    compiled: Callable[[Frames, Frames], None] = tf.function(steps, input_signature=[given, wanted])
    return compiled


def _mean_loss(
    network: keras.Model, steps: Callable[[Frames, Frames], None], batches: WindowBatches
) -> float:
    """Take a step for every batch; return the mean loss."""
    network.reset_metrics()
    for given, wanted in batches:
        steps(given, wanted)
    return float(network.get_metrics_result()["loss"])
