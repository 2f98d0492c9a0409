"""What the training of all networks shares: batches gathered by index, mixup, early stopping."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.model.tensorflow import keras

Values = npt.NDArray[np.float32]
Curves = dict[str, list[float]]
Indices = npt.NDArray[np.intp]


class Batches(ABC, keras.utils.PyDataset):
    """Batches of items that are gathered by index, in an order drawn again for each epoch.

    A subclass calls ``super().__init__`` last: it draws the first order.

    Parameters
    ----------
    batch_size : int
        The last batch of an epoch may be smaller.
    """

    def __init__(self, batch_size: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._batch_size = batch_size
        self._order = self.draw_order()

    @abstractmethod
    def draw_order(self) -> Indices:
        """Return the indices of an epoch's items, in order."""

    @abstractmethod
    def gather(self, indices: Indices) -> tuple[Any, ...]:
        """Return a batch, as ``keras.Model.fit`` takes it, of the items with these indices."""

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch_size)

    def __getitem__(self, batch: int) -> tuple[Any, ...]:
        return self.gather(self._order[batch * self._batch_size : (batch + 1) * self._batch_size])

    def on_epoch_end(self) -> None:
        """Draw the order of the next epoch."""
        self._order = self.draw_order()


def mix_pairs(
    given: Values, wanted: Values, alpha: float, rng: np.random.Generator
) -> tuple[Values, Values]:
    """Mix every item of a batch with another one, and their labels alike (mixup).

    Parameters
    ----------
    given : np.ndarray [shape=(batch, ...), dtype=float32]
        Inputs of the network.
    wanted : np.ndarray [shape=(batch, n_classes), dtype=float32]
        Their labels, one-hot.
    alpha : float
        Both parameters of the beta distribution of the share of the first item, above 0.
    rng : np.random.Generator

    Returns
    -------
    tuple of np.ndarray
        Mixed inputs and labels, in the shapes of `given` and `wanted`.

    References
    ----------
    H. Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
    """
    share = rng.beta(alpha, alpha, len(given)).astype(np.float32)
    other = rng.permutation(len(given))
    return _mix(given, given[other], share), _mix(wanted, wanted[other], share)


def _mix(first: Values, second: Values, share: Values) -> Values:
    weight = share.reshape(-1, *[1] * (first.ndim - 1))
    mixed: Values = weight * first + (1 - weight) * second
    return mixed


def fit_network(
    network: keras.Model,
    batches: Batches,
    *,
    epochs: int,
    validation: Any = None,
    patience: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[Curves, int]:
    """Train a compiled network.

    Parameters
    ----------
    network : keras.Model
    batches : Batches
    epochs : int
        The most epochs.
    validation : optional
        Validation data, as ``keras.Model.fit`` takes it.
    patience : int, optional
        Epochs without a lower validation loss before training stops; the network then has the
        weights of the epoch of the lowest one. Without it, or without validation data, all epochs
        are trained and the last weights kept.
    class_weight : mapping of int to float, optional
        Weight of every class in the loss.
    callbacks : sequence of keras.callbacks.Callback

    Returns
    -------
    curves : dict
        Loss and metrics, a value per epoch; those of the validation data begin with ``val_``.
    best_epoch : int
        The epoch whose weights the network has, from 1.
    """
    stop = None
    if validation is not None and patience is not None:
        stop = keras.callbacks.EarlyStopping(
            monitor="val_loss", patience=patience, restore_best_weights=True
        )
    history = network.fit(
        batches,
        validation_data=validation,
        epochs=epochs,
        class_weight=class_weight,
        callbacks=[*callbacks, *([stop] if stop else [])],
        verbose=0,
    )
    curves = {name: [float(value) for value in values] for name, values in history.history.items()}
    if stop is None:
        return curves, len(curves["loss"])
    # Early stopping restores the best weights only where it stops early.
    if stop.best_weights is not None:
        network.set_weights(stop.best_weights)
    return curves, int(np.argmin(curves["val_loss"])) + 1
