"""What the training of all networks shares: batches by index, mixup, and the loop of steps."""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.model.progress import EpochProgress
from stethoscope.model.steps import Steps
from stethoscope.model.tensorflow import keras, tf

Values = npt.NDArray[np.float32]
Curves = dict[str, list[float]]
Indices = npt.NDArray[np.intp]

_BLOCK_BYTES = 1 << 26  # of the inputs that are gathered at once
_CALLS = 4  # that take the steps of a block, because TensorFlow copies what a call is given


class Batches(ABC):
    """Batches of items that are gathered by index, in an order drawn again for each epoch.

    Parameters
    ----------
    batch_size : int
        The last batch of an epoch may be smaller.
    """

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    @abstractmethod
    def draw_order(self) -> Indices:
        """Return the indices of an epoch's items, in order."""

    @abstractmethod
    def gather(self, indices: Indices) -> tuple[Any, ...]:
        """Return the items with these indices, as ``keras.Model.fit`` takes a batch of them.

        They are those of several batches: inputs, labels and, where it matters, weights.
        """

    def blocks(self, n_batches: int) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of an epoch, several together, in an order that is drawn here.

        Parameters
        ----------
        n_batches : int
            The most batches that are gathered at once; a quarter of them is yielded together.

        Yields
        ------
        tuple
            As :meth:`gather` returns it, with arrays [shape=(n, batch_size, ...)].
        """
        order = self.draw_order()
        whole = len(order) // self.batch_size * self.batch_size
        edges = [*range(0, whole, n_batches * self.batch_size), whole]
        for first, last in itertools.pairwise(edges):
            block = _in_batches(self.gather(order[first:last]), self.batch_size)
            yield from _pieces(block, -(-n_batches // _CALLS))
        if rest := len(order) - whole:
            yield _in_batches(self.gather(order[whole:]), rest)


class Examples(Batches):
    """Batches of examples that lie in memory, in their order.

    Parameters
    ----------
    given, wanted : np.ndarray [shape=(n_examples, ...)]
        Inputs of the network, and their labels.
    batch_size : int
    """

    def __init__(self, given: Values, wanted: Values, batch_size: int) -> None:
        super().__init__(batch_size)
        self._given, self._wanted = given, wanted

    def draw_order(self) -> Indices:
        """Return all examples in order."""
        return np.arange(len(self._given))

    def gather(self, indices: Indices) -> tuple[Values, Values]:
        """Return examples with these indices."""
        return self._given[indices], self._wanted[indices]


def _in_batches(items: tuple[Any, ...], batch_size: int) -> tuple[Any, ...]:
    batches: tuple[Any, ...] = tf.nest.map_structure(
        lambda values: np.reshape(values, (-1, batch_size, *np.shape(values)[1:])), items
    )
    return batches


def _pieces(block: tuple[Any, ...], n_batches: int) -> Iterator[tuple[Any, ...]]:
    """Yield the batches of a block, so many together."""
    for first in range(0, len(tf.nest.flatten(block)[0]), n_batches):
        piece: tuple[Any, ...] = tf.nest.map_structure(
            lambda values, first=first: values[first : first + n_batches], block
        )
        yield piece


def mix_pairs(
    given: Values, wanted: Values, alpha: float, rng: np.random.Generator
) -> tuple[Values, Values]:
    """Mix every item of a batch with another one, and their labels alike (mixup).

    Parameters
    ----------
    given : np.ndarray [shape=(batch, ...), dtype=float32]
        Inputs of the network. They are altered in place.
    wanted : np.ndarray [shape=(batch, n_classes), dtype=float32]
        Their labels, one-hot. They are altered in place.
    alpha : float
        Both parameters of the beta distribution of the share of the first item, above 0.
    rng : np.random.Generator

    Returns
    -------
    tuple of np.ndarray
        `given` and `wanted`, mixed.

    References
    ----------
    H. Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
    """
    share = rng.beta(alpha, alpha, len(given)).astype(np.float32)
    other = rng.permutation(len(given))
    _mix(given, other, share)
    _mix(wanted, other, share)
    return given, wanted


def _mix(values: Values, other: Indices, share: Values) -> None:
    weight = share.reshape(-1, *[1] * (values.ndim - 1))
    others = values[other]
    others *= 1 - weight
    values *= weight
    values += others


class Trainer:
    """Trains a compiled network by many steps per call.

    A step of a small network takes a few milliseconds of arithmetic. ``keras.Model.fit`` takes as
    long again for what it does around each; here a call takes the steps of many batches, and each
    kind of step is traced once.

    Parameters
    ----------
    network : keras.Model
        Compiled.
    """

    def __init__(self, network: keras.Model) -> None:
        self._network = network
        if getattr(network, "optimizer", None) is not None:
            network.optimizer.build(network.trainable_variables)
        self._train = Steps(network, network.train_step)
        self._test = Steps(network, network.test_step)

    def evaluate(self, batches: Batches) -> dict[str, float]:
        """Return loss and metrics over all batches."""
        return self._test.take(batches.blocks(self._per_block(batches)))

    def fit(
        self,
        batches: Batches,
        *,
        epochs: int,
        validation: Batches | None = None,
        patience: int | None = None,
        averaged: int = 1,
        progress: EpochProgress | None = None,
    ) -> tuple[Curves, int]:
        """Train.

        Parameters
        ----------
        batches : Batches
        epochs : int
            The most epochs.
        validation : Batches, optional
        patience : int, optional
            Epochs without a lower validation loss before training stops; the network then has the
            weights of the epoch of the lowest one. Without it, or without validation data, all
            epochs are trained and the last weights kept.
        averaged : int
            Epochs of whose weights the running mean is taken: it is validated and kept instead of
            the weights of one epoch, which vary by chance. With 1 they are those of the epoch.
        progress : EpochProgress, optional

        Returns
        -------
        curves : dict
            Loss and metrics, a value per epoch; those of the validation data begin with ``val_``.
        best_epoch : int
            The epoch whose weights the network has, from 1.
        """
        curves: Curves = {}
        best = _Best(self._network, patience if validation is not None else None)
        mean = _RunningMean(averaged)
        last = self._network.get_weights()
        for epoch in range(epochs):
            self._network.set_weights(last)
            figures = self._train.take(batches.blocks(self._per_block(batches)))
            last = self._network.get_weights()
            self._network.set_weights(mean.of(last))
            if validation is not None:
                figures |= {f"val_{name}": one for name, one in self.evaluate(validation).items()}
            for name, value in figures.items():
                curves.setdefault(name, []).append(value)
            if progress:
                progress.on_epoch_end(epoch, figures)
            if best.stops(epoch, figures):
                break
        if progress:
            progress.on_train_end()
        return curves, best.restore()

    def _per_block(self, batches: Batches) -> int:
        """Return how many batches to gather at once."""
        values: int = sum(math.prod(one.shape[1:]) for one in self._network.inputs)
        return max(1, _BLOCK_BYTES // (4 * values * batches.batch_size))


class _RunningMean:
    """The exponential mean of the weights of the epochs.

    References
    ----------
    B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on
    Control and Optimization 30(4), 1992.
    """

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._seen = 0
        self._mean: list[Values] = []

    def of(self, weights: list[Values]) -> list[Values]:
        """Take the weights of the next epoch, and return the mean."""
        self._seen += 1
        share = 1 / min(self._seen, self._epochs)
        if share == 1:
            self._mean = weights
        else:
            pairs = zip(self._mean, weights, strict=True)
            self._mean = [mean + np.float32(share) * (one - mean) for mean, one in pairs]
        return self._mean


class _Best:
    """Keeps the weights of the epoch with the lowest validation loss, and stops after it."""

    def __init__(self, network: keras.Model, patience: int | None) -> None:
        self._network, self._patience = network, patience
        self._loss, self._epoch, self._last = math.inf, 0, 0
        self._weights: list[Values] | None = None

    def stops(self, epoch: int, figures: dict[str, float]) -> bool:
        """Return whether to stop after an epoch, counted from 0, with these figures."""
        self._last = epoch
        if self._patience is None:
            return False
        if figures["val_loss"] < self._loss:
            self._loss, self._epoch = figures["val_loss"], epoch
            self._weights = self._network.get_weights()
        return epoch - self._epoch >= self._patience

    def restore(self) -> int:
        """Give the network the kept weights, and return their epoch, from 1."""
        if self._weights is None:
            return self._last + 1
        self._network.set_weights(self._weights)
        return self._epoch + 1
