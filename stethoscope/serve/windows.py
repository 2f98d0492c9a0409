"""How a stream of samples is described, and cut into windows."""

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

from starlette.datastructures import QueryParams

from stethoscope.serve.limits import MAX_MACHINE_ID, RATES, Limits, RefusalError
from stethoscope.serve.wire import Buffer

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

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of one channel."""
        return 2 if self.encoding == "s16le" else 4

    @property
    def frame_bytes(self) -> int:
        """Bytes of the samples of all channels at one time."""
        return self.sample_bytes * self.channels

    @property
    def window_bytes(self) -> int:
        """Bytes of a window."""
        return self.frame_bytes * round(self.window * self.rate)

    @classmethod
    def from_query(cls, query: QueryParams, limits: Limits) -> Self:
        """Read the format from the query of an address.

        Raises
        ------
        RefusalError
            422 if a value is out of range, or a window has more samples than a recording may have
            or fills more memory than the streams of a client may.
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
        if (
            form.window * form.rate * form.channels > limits.max_samples
            or form.window_bytes > limits.stream_bytes_per_client
        ):
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
    start, end : float
        In seconds from the beginning of the stream.
    wav : sequence of buffers
        The window as a WAV file, in several parts. They are valid until the stream goes on.
    """

    start: float
    end: float
    wav: Sequence[Buffer]


class StreamCutter:
    """Cuts a stream into windows.

    It holds the samples of one window as they were sent, in a ring buffer that is made once. Its
    work per block depends on the size of the block only.

    Parameters
    ----------
    form : StreamFormat
    """

    def __init__(self, form: StreamFormat) -> None:
        self._form = form
        self._length = round(form.window * form.rate)
        self._step = max(1, round(form.step * form.rate))
        # An incomplete sample may follow the window.
        self._ring = memoryview(bytearray(form.frame_bytes * (self._length + 1)))
        self._received = 0  # bytes
        self._next_end = self._length  # position where the next window ends
        self._last_end = 0  # position where the last window ended

    def add(self, block: bytes) -> Iterator[StreamWindow]:
        """Take a block of bytes and yield the windows that it completes.

        A block may end inside a sample.
        """
        rest = memoryview(block)
        while self._received + len(rest) >= self._next_end * self._form.frame_bytes:
            missing = self._next_end * self._form.frame_bytes - self._received
            self._write(rest[:missing])
            rest = rest[missing:]
            yield self._window(self._next_end)
            self._next_end += self._step
        self._write(rest)

    def finish(self) -> Iterator[StreamWindow]:
        """Yield the last window, which ends where the stream ends, unless it has been yielded."""
        end = self._received // self._form.frame_bytes
        if end > self._last_end:
            yield self._window(end)

    def _write(self, content: memoryview) -> None:
        """Append bytes to the ring."""
        while content:
            place = self._received % len(self._ring)
            part = content[: len(self._ring) - place]
            self._ring[place : place + len(part)] = part
            self._received += len(part)
            content = content[len(part) :]

    def _window(self, end: int) -> StreamWindow:
        self._last_end = end
        start = max(0, end - self._length)
        size = (end - start) * self._form.frame_bytes
        first = start * self._form.frame_bytes % len(self._ring)
        before = self._ring[first : first + size]
        parts = (wav_header(self._form, size), before, self._ring[: size - len(before)])
        return StreamWindow(start / self._form.rate, end / self._form.rate, parts)


def wav_header(form: StreamFormat, n_bytes: int) -> bytes:
    """Return the header of a WAV file whose samples are `n_bytes` of a stream."""
    code = 1 if form.encoding == "s16le" else 3  # integers or floats
    return b"RIFF%sWAVEfmt %sdata%s" % (
        (36 + n_bytes).to_bytes(4, "little"),
        struct.pack(
            "<IHHIIHH",
            16,
            code,
            form.channels,
            form.rate,
            form.rate * form.frame_bytes,
            form.frame_bytes,
            8 * form.sample_bytes,
        ),
        n_bytes.to_bytes(4, "little"),
    )
