"""Many small steps of a network in one call, compiled where there are enough of them."""

import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from stethoscope.model.tensorflow import keras, tf
from stethoscope.sound.definition import Frames

_WORTH_COMPILING = 2000
"""Steps from which on XLA's compilation, of about two seconds, takes less time than it saves."""

Item = TypeVar("Item")


class Steps:
    """Takes a step of a network for every batch of several, in one call.

    Steps of which enough are expected are compiled by XLA, which joins the many small operations
    of batch normalisation and optimizer. Numbers then differ from those of Keras by rounding.

    Parameters
    ----------
    network : keras.Model
    step : callable
        ``network.train_step`` or ``network.test_step`` of the compiled network.
    expected : int
        Number of steps that will be taken in all.
    """

    def __init__(
        self, network: keras.Model, step: Callable[..., Any], *, expected: int = 0
    ) -> None:
        self._network, self._step = network, step
        self._compiles = expected >= _WORTH_COMPILING
        self._shape: tuple[int, ...] = ()

    def __call__(self, given: Frames, wanted: Frames) -> None:
        """Take a step for every batch.

        Parameters
        ----------
        given, wanted : np.ndarray [shape=(n_batches, batch, n_values), dtype=float32]
            The first call has the most batches, of the usual size.
        """
        self._shape = self._shape or given.shape
        count = len(given)
        # XLA compiles for one shape: fewer batches are filled up, smaller ones are not compiled.
        compiled = self._compiles and given.shape[1] == self._shape[1]
        if compiled and count < self._shape[0]:
            same = wanted is given
            given = _filled_up(given, self._shape[0])
            wanted = given if same else _filled_up(wanted, self._shape[0])
        inputs = tf.convert_to_tensor(given)
        targets = inputs if wanted is given else tf.convert_to_tensor(wanted)
        (self._compiled if compiled else self._plain)(inputs, targets, tf.constant(count))

    @functools.cached_property
    def _plain(self) -> Callable[..., None]:
        return self._graph(jit_compile=None)

    @functools.cached_property
    def _compiled(self) -> Callable[..., None]:
        return self._graph(jit_compile=True)

    def _graph(self, *, jit_compile: bool | None) -> Callable[..., None]:
        """Return the steps as a graph, which is traced once for all numbers and sizes."""
        given, wanted = (
            tf.TensorSpec((None, None, *shape[1:]))
            for shape in (self._network.input_shape, self._network.output_shape)
        )

        def steps(given: Any, wanted: Any, count: Any) -> None:
            for batch in tf.range(count):
                self._step((given[batch], wanted[batch]))

        graph: Callable[..., None] = tf.function(
            steps, jit_compile=jit_compile
        ).get_concrete_function(given, wanted, tf.TensorSpec((), tf.int32))
        return graph


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items, of which the next one is made in a thread meanwhile."""
    with ThreadPoolExecutor(1) as thread:
        iterator = iter(items)
        coming = thread.submit(next, iterator, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, iterator, None)
            yield item


def _filled_up(batches: Frames, count: int) -> Frames:
    """Return batches, followed by as many of zeros as make `count`."""
    filled = np.zeros((count, *batches.shape[1:]), dtype=batches.dtype)
    filled[: len(batches)] = batches
    return filled
