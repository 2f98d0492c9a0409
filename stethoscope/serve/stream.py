"""Listening without end: blocks of samples come in, a verdict per window goes out."""

import asyncio
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
import soundfile
from starlette.datastructures import QueryParams
from starlette.websockets import WebSocket, WebSocketDisconnect

from stethoscope.serve.judge import RATES, judge
from stethoscope.serve.limits import Limits, Refusal
from stethoscope.serve.metrics import Metrics
from stethoscope.serve.model import LiveModel
from stethoscope.serve.workers import Workers
from stethoscope.sound.audio import Samples

Encoding = Literal["s16le", "f32le"]

MAX_BLOCK_BYTES = 1 << 20
"""Largest message of a stream, in bytes."""

_END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFormat:
    """What a stream carries, and how it is cut.

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
        """Read the format from an address's query.

        Raises
        ------
        Refusal
            422 if a value cannot work.
        """
        window = _number(query, "window", 10.0, 0.05, limits.max_seconds)
        encoding = query.get("encoding", "s16le")
        if encoding not in get_args(Encoding):
            raise Refusal(
                422,
                "bad_parameter",
                f"encoding is {encoding[:40]!r}; choose one of {', '.join(get_args(Encoding))}",
            )
        return cls(
            rate=int(_number(query, "rate", 16_000, *RATES)),
            channels=int(_number(query, "channels", 1, 1, 32)),
            encoding="f32le" if encoding == "f32le" else "s16le",
            window=window,
            step=_number(query, "step", window, 0.05, limits.max_seconds),
            machine_id=query.get("machine_id", "")[:100],
        )


def _number(query: QueryParams, name: str, default: float, low: float, high: float) -> float:
    given = query.get(name)
    try:
        value = default if given is None else float(given)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise Refusal(
            422,
            "bad_parameter",
            f"{name} is {(given or '')[:40]!r}; give a number from {low:g} to {high:g}",
        )
    return value


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a stream.

    Attributes
    ----------
    start : float
        In seconds from the beginning of the stream.
    samples : np.ndarray [shape=(n_samples, n_channels), dtype=float32]
    """

    start: float
    samples: Samples


class Windows:
    """Cuts a stream into windows; holds one window and one block at most, however long the stream
    is.

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
        self._next = self._length  # where the next window ends
        self._judged_to = 0
        self._rest = b""

    def add(self, block: bytes) -> Iterator[Window]:
        """Take a block of samples, cut anywhere, and yield the windows that it completes."""
        content = self._rest + block
        dtype = np.dtype("<i2" if self._form.encoding == "s16le" else "<f4")
        whole = len(content) - len(content) % (dtype.itemsize * self._form.channels)
        self._rest = content[whole:]
        samples = (
            np.frombuffer(content[:whole], dtype)
            .reshape(-1, self._form.channels)
            .astype(np.float32)
        )
        if dtype.kind == "i":
            samples /= np.float32(32768.0)
        self._kept = np.concatenate([self._kept, samples])
        while self._kept_from + len(self._kept) >= self._next:
            yield self._window(self._next)
            self._next += self._step
        self._forget()

    def finish(self) -> Iterator[Window]:
        """Yield the last window, which ends where the stream ends; nothing if that has been
        yielded.
        """
        end = self._kept_from + len(self._kept)
        if end > self._judged_to:
            yield self._window(end)

    def _window(self, end: int) -> Window:
        self._judged_to = end
        stop = end - self._kept_from
        start = max(0, stop - self._length)
        return Window((self._kept_from + start) / self._form.rate, self._kept[start:stop])

    def _forget(self) -> None:
        """Keep the last window's length: the end of the stream may come at any time."""
        surplus = len(self._kept) - self._length
        if surplus > 0:
            self._kept = self._kept[surplus:].copy()
            self._kept_from += surplus


def to_wav(samples: Samples, rate: int) -> bytes:
    """Return samples [shape=(n_samples, n_channels)] as a recording that loses nothing of them."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, subtype="FLOAT", format="WAV")
    return buffer.getvalue()


async def listen(
    socket: WebSocket,
    form: StreamFormat,
    *,
    model: LiveModel,
    workers: Workers,
    metrics: Metrics,
    limits: Limits,
) -> None:
    """Serve one stream until its client ends it with the text ``end``, goes, or falls silent.

    No block is received while a window is judged, so a client that sends faster than we listen
    waits in its socket.
    """
    windows = Windows(form)
    count = 0

    async def answer(window: Window) -> None:
        nonlocal count
        message: dict[str, Any] = {
            "Window": count,
            "Start": round(window.start, 3),
            "End": round(window.start + len(window.samples) / form.rate, 3),
        }
        count += 1
        try:
            content = to_wav(window.samples, form.rate)
            answer = await workers.run(
                judge,
                model.inference,
                content,
                limits,
                machine_id=form.machine_id,
                name=f"window {message['Window']}",
            )
        except Refusal as refusal:
            metrics.refusals.labels(refusal.reason).inc()
            await socket.send_json({**message, "Error": refusal.message, "Reason": refusal.reason})
        else:
            metrics.count_verdict(answer)
            await socket.send_json({**message, **answer.json})

    try:
        while True:
            async with asyncio.timeout(limits.silence_seconds):
                message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("bytes") is not None:
                for window in windows.add(message["bytes"]):
                    await answer(window)
            elif message.get("text") == _END:
                for window in windows.finish():
                    await answer(window)
                await socket.close(1000)
                return
            else:
                await socket.close(1003, f"send samples as binary messages, or the text {_END!r}")
                return
    except TimeoutError:
        await socket.close(1008, f"nothing came for {limits.silence_seconds:g} s")
    except WebSocketDisconnect:  # while a verdict was being sent
        return
