"""Many small steps of a network in one call, compiled where there are enough of them."""

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
        self._graphs: dict[bool, Callable[..., None]] = {}  # by whether XLA compiled them

    def take(self, blocks: Iterable[tuple[Any, ...]]) -> dict[str, float]:
        """Take a step for every batch of the blocks, and return loss and metrics over all."""
        self._network.reset_metrics()
        for block in blocks:
            self(*block)
        return {name: float(value) for name, value in self._network.get_metrics_result().items()}

    def __call__(self, *block: Any) -> None:
        """Take a step for every batch.

        Parameters
        ----------
        *block : np.ndarray or nested arrays [shape=(n_batches, batch, ...)]
            Inputs, targets and, where they matter, weights. The first call has the most batches,
            of the usual size.
        """
        arrays = tf.nest.flatten(block)
        self._shape = self._shape or arrays[0].shape
        count = len(arrays[0])
        # XLA compiles for one shape: fewer batches are filled up, smaller ones are not compiled.
        compiled = self._compiles and arrays[0].shape[1] == self._shape[1]
        tensors: dict[int, Any] = {}  # inputs that are their own targets are copied once
        for one in arrays:
            if id(one) not in tensors:
                filled = _filled_up(one, self._shape[0]) if compiled else one
                tensors[id(one)] = tf.convert_to_tensor(filled)
        graph = self._graphs.get(compiled) or self._trace(block, compiled=compiled)
        graph(tf.constant(count), *(tensors[id(one)] for one in arrays))

    def _trace(self, block: tuple[Any, ...], *, compiled: bool) -> Callable[..., None]:
        """Return the steps as a graph, which is traced once for all numbers and sizes."""
        structure = tf.nest.map_structure(np.ndim, block)

        def steps(count: Any, *arrays: Any) -> None:
            def step(batch: Any) -> Any:
                self._step(tf.nest.pack_sequence_as(structure, [one[batch] for one in arrays]))
                return batch + 1

            tf.while_loop(lambda batch: batch < count, step, [0])

        signature = [
            tf.TensorSpec((None, None, *one.shape[2:]), one.dtype) for one in tf.nest.flatten(block)
        ]
        # A loop of TensorFlow's own: translating Python's, and Keras's steps with it, takes longer
        # than tracing them.
        graph: Callable[..., None] = tf.function(
            steps, autograph=False, jit_compile=compiled or None
        ).get_concrete_function(tf.TensorSpec((), tf.int32), *signature)
        self._graphs[compiled] = graph
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
    if len(batches) == count:
        return batches
    filled = np.zeros((count, *batches.shape[1:]), dtype=batches.dtype)
    filled[: len(batches)] = batches
    return filled
