"""Windows of frames as batches for a network, gathered by index from the feature store."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from stethoscope.detection.options import FitOptions
from stethoscope.features.store import FeatureStore
from stethoscope.sound.definition import Frames

_WINDOWS_AT_ONCE = 8192
_ENOUGH_STEPS = 20_000


class WindowBatches:
    """Batches of windows of some clips. No window is copied before its batch is needed.

    Parameters
    ----------
    store : FeatureStore
    clips : np.ndarray of int
        Indices of the clips.
    context : int
        Frames per window.
    fit : FitOptions
    training : bool
        True draws the windows of each epoch as `fit` defines; False takes all of them in order.
    predicted : sequence of int, optional
        Frames of the window that are not given to the network but predicted by it. By default all
        frames are both given and predicted.

    Notes
    -----
    Iterating yields several batches at a time, as two arrays: the frames that are given
    [shape=(n_batches, batch, n_given * n_mels)], frame after frame, and those to be predicted. The
    last batch of an epoch may be smaller, and is then yielded alone.
    """

    def __init__(
        self,
        store: FeatureStore,
        clips: npt.NDArray[np.intp],
        context: int,
        fit: FitOptions,
        *,
        training: bool,
        predicted: Sequence[int] | None = None,
    ) -> None:
        self._predicted = list(range(context) if predicted is None else predicted)
        self._given = given_frames(context, self._predicted)
        self._store = store
        self._starts = window_starts(store, clips, context)
        # Every window of the store as one row; the rows overlap in memory.
        frames = store.frames
        self._windows = np.lib.stride_tricks.as_strided(
            frames,
            (max(0, len(frames) - context + 1), context * frames.shape[1]),
            frames.strides,
            writeable=False,
        )
        self._rng = np.random.default_rng(fit.seed) if training and fit.shuffle else None
        share = fit.epoch_share if training else 1.0
        self._count = max(1, round(len(self._starts) * share))
        # The result of a training depends on the number of steps more than on their size: where a
        # share of the windows would leave too few steps, batches shrink, at most in proportion.
        smallest = max(1, round(fit.batch_size * share))
        self._batch_size = min(
            fit.batch_size, max(smallest, self._count * fit.epochs // _ENOUGH_STEPS)
        )

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return -(-self._count // self._batch_size)

    def __iter__(self) -> Iterator[tuple[Frames, Frames]]:
        """Yield the batches of an epoch."""
        order = self._draw()
        size = self._batch_size
        whole = self._count // size
        at_once = max(1, _WINDOWS_AT_ONCE // size)
        for first in range(0, whole, at_once):
            last = min(first + at_once, whole)
            yield self._gather(order[first * size : last * size].reshape(-1, size))
        if self._count % size:
            yield self._gather(order[np.newaxis, whole * size :])

    def _gather(self, starts: npt.NDArray[np.int64]) -> tuple[Frames, Frames]:
        windows = np.empty((*starts.shape, self._windows.shape[1]), dtype=np.float32)
        for batch, rows in zip(windows, starts, strict=True):
            batch[:] = self._windows[rows]
            self._store.release()
        if self._given == self._predicted:
            return windows, windows
        frames = windows.reshape(*starts.shape, -1, self._store.feature.size)
        given, predicted = (
            frames[:, :, chosen].reshape(*starts.shape, -1)
            for chosen in (self._given, self._predicted)
        )
        return given, predicted

    def _draw(self) -> npt.NDArray[np.int64]:
        """Return the first frames of an epoch's windows; without shuffling, evenly spaced ones."""
        if self._rng is not None:
            return self._rng.permutation(self._starts)[: self._count]
        evenly = np.linspace(0, len(self._starts) - 1, self._count).round().astype(np.intp)
        return self._starts[evenly]


def given_frames(context: int, predicted: Sequence[int]) -> list[int]:
    """Return the frames of a window that a network is given.

    These are the frames that it need not predict, or all frames if it predicts all.
    """
    return [frame for frame in range(context) if frame not in predicted] or list(range(context))


def window_starts(
    store: FeatureStore, clips: npt.NDArray[np.intp], context: int
) -> npt.NDArray[np.int64]:
    """Return the first frame of every window of `context` frames that lies within one clip."""
    clip_frames = zip(store.first_frame[clips], store.n_frames[clips], strict=True)
    return np.concatenate(
        [np.arange(first, first + count - context + 1) for first, count in clip_frames]
    )
