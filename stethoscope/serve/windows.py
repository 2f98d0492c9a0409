"""How a stream of samples is described, and cut into windows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np
from starlette.datastructures import QueryParams

from stethoscope.serve.limits import MAX_MACHINE_ID, RATES, Limits, RefusalError
from stethoscope.sound.audio import Samples

Encoding = Literal["s16le", "f32le"]

_MAX_CHANNELS = 32
_MIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFormat:
    """The format of a stream's samples, and how the stream is cut into windows.

    Attributes
    ----------
    rate : int
        Samples per second and channel, in Hz.
    channels : int
        Interleaved channels.
    encoding : {"s16le", "f32le"}
        Signed 16-bit integers or 32-bit floats, little-endian.
    window, step : float
        Length of a window and distance from one to the next, in seconds.
    machine_id : str
        As for a recording.
    """

    rate: int = 16_000
    channels: int = 1
    encoding: Encoding = "s16le"
    window: float = 10.0
    step: float = 10.0
    machine_id: str = ""

    @classmethod
    def from_query(cls, query: QueryParams, limits: Limits) -> Self:
        """Read the format from the query of an address.

        Raises
        ------
        RefusalError
            422 if a value is out of range, or a window has more samples than a recording may have.
        """
        window = _number(query, "window", 10.0, _MIN_SECONDS, limits.max_seconds)
        encoding = query.get("encoding", "s16le")
        if encoding not in get_args(Encoding):
            raise RefusalError(
                422,
                "bad_parameter",
                f"encoding is {encoding[:40]!r}; choose one of {', '.join(get_args(Encoding))}",
            )
        form = cls(
            rate=int(_number(query, "rate", 16_000, *RATES)),
            channels=int(_number(query, "channels", 1, 1, _MAX_CHANNELS)),
            encoding="f32le" if encoding == "f32le" else "s16le",
            window=window,
            step=_number(query, "step", window, _MIN_SECONDS, limits.max_seconds),
            machine_id=query.get("machine_id", "")[:MAX_MACHINE_ID],
        )
        if form.window * form.rate * form.channels > limits.max_samples:
            raise RefusalError(
                422,
                "bad_parameter",
                "a window of this rate and these channels holds too many samples; shorten it",
            )
        return form


def _number(query: QueryParams, name: str, default: float, low: float, high: float) -> float:
    given = query.get(name)
    try:
        value = default if given is None else float(given)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise RefusalError(
            422,
            "bad_parameter",
            f"{name} is {(given or '')[:40]!r}; give a number from {low:g} to {high:g}",
        )
    return value


@dataclass(frozen=True, slots=True)
class StreamWindow:
    """One window of a stream.

    Attributes
    ----------
    start : float
        In seconds from the beginning of the stream.
    samples : np.ndarray [shape=(n_samples, n_channels), dtype=float32]
    """

    start: float
    samples: Samples


class StreamCutter:
    """Cuts a stream into windows.

    It holds at most one window and one block, however long the stream is.

    Parameters
    ----------
    form : StreamFormat
    """

    def __init__(self, form: StreamFormat) -> None:
        self._form = form
        self._length = round(form.window * form.rate)
        self._step = max(1, round(form.step * form.rate))
        self._kept = np.zeros((0, form.channels), np.float32)
        self._kept_from = 0  # position in the stream of the first sample kept
        self._next_end = self._length  # position where the next window ends
        self._last_end = 0  # position where the last window ended
        self._rest = b""  # bytes of a sample that is not complete yet

    def add(self, block: bytes) -> Iterator[StreamWindow]:
        """Take a block of bytes and yield the windows that it completes.

        A block may end inside a sample.
        """
        self._kept = np.concatenate([self._kept, self._samples(block)])
        while self._kept_from + len(self._kept) >= self._next_end:
            yield self._window(self._next_end)
            self._next_end += self._step
        self._drop_old()

    def finish(self) -> Iterator[StreamWindow]:
        """Yield the last window, which ends where the stream ends, unless it has been yielded."""
        end = self._kept_from + len(self._kept)
        if end > self._last_end:
            yield self._window(end)

    def _samples(self, block: bytes) -> Samples:
        """Return the complete samples [shape=(n_samples, n_channels)] up to the end of a block."""
        content = self._rest + block
        dtype = np.dtype("<i2" if self._form.encoding == "s16le" else "<f4")
        whole = len(content) - len(content) % (dtype.itemsize * self._form.channels)
        self._rest = content[whole:]
        read = np.frombuffer(content[:whole], dtype).reshape(-1, self._form.channels)
        samples: Samples = read.astype(np.float32)
        if dtype.kind == "i":
            samples /= np.float32(32768.0)
        return samples

    def _window(self, end: int) -> StreamWindow:
        self._last_end = end
        stop = end - self._kept_from
        start = max(0, stop - self._length)
        return StreamWindow((self._kept_from + start) / self._form.rate, self._kept[start:stop])

    def _drop_old(self) -> None:
        """Keep one window's length of samples: the stream may end at any time."""
        surplus = len(self._kept) - self._length
        if surplus > 0:
            self._kept = self._kept[surplus:].copy()
            self._kept_from += surplus
