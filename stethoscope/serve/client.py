"""The client of ``stethoscope listen``: it sends a sound to a service and yields the verdicts.

If the connection is lost, for example because the service restarts, the client connects again and
sends once more what has not been answered.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import soundfile
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.sync.client import ClientConnection, connect

from stethoscope.bundle.inference import machine_id_of_name
from stethoscope.errors import AudioError, ParameterError, ServiceError
from stethoscope.files import advice_on_path
from stethoscope.progress import warn
from stethoscope.sound.audio import decode
from stethoscope.sound.formats import UNREADABLE, find_format
from stethoscope.system import explain_access

_BLOCK_SECONDS = 0.25
_SECONDS_BETWEEN_TRIES = 0.5
_LARGEST_MESSAGE = 1 << 18
_BUSY = (429, 502, 503, 504)  # status of a service that starts, or has no place at the moment
_RESTART = (1001, 1012, 1013)  # codes by which a service that stops closes a stream
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True, slots=True)
class SampleStream:
    """Samples as they are sent.

    Attributes
    ----------
    blocks : iterator of bytes
        Interleaved samples.
    rate : int
        In Hz.
    channels : int
    encoding : str
        ``s16le`` or ``f32le``.
    machine_id : str
    """

    blocks: Iterator[bytes]
    rate: int
    channels: int
    encoding: str
    machine_id: str = ""


def read_file(path: str | os.PathLike[str], machine_id: str = "") -> SampleStream:
    """Read a recording block by block, as 32-bit floats, without loss.

    Raises
    ------
    AudioError
        If it cannot be read.
    """
    try:
        with Path(path).open("rb") as opened:
            form = find_format(opened)
        if form is None or not form.library_names:
            return _read_whole(path, machine_id)
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise AudioError(f"{path}: {_reason_unread(path, error)}") from error

    def blocks() -> Iterator[bytes]:
        with file:
            for block in file.blocks(
                round(_BLOCK_SECONDS * file.samplerate), dtype="float32", always_2d=True
            ):
                yield block.astype("<f4").tobytes()

    return SampleStream(
        blocks(),
        file.samplerate,
        file.channels,
        "f32le",
        machine_id or machine_id_of_name(str(path)),
    )


def _reason_unread(path: str | os.PathLike[str], error: Exception) -> str:
    if not isinstance(error, FileNotFoundError):
        return explain_access(error) or UNREADABLE
    return f"no such file; {advice_on_path(path) or 'check the path'}"


def _read_whole(path: str | os.PathLike[str], machine_id: str) -> SampleStream:
    """Read a recording that only ffmpeg can decode."""
    decoded = decode(path)
    samples = decoded.samples.T.astype("<f4")
    size = round(_BLOCK_SECONDS * decoded.sample_rate)
    return SampleStream(
        (samples[start : start + size].tobytes() for start in range(0, len(samples), size)),
        decoded.sample_rate,
        len(decoded.samples),
        "f32le",
        machine_id or machine_id_of_name(str(path)),
    )


def read_raw(rate: int, channels: int, encoding: str, machine_id: str = "") -> SampleStream:
    """Read raw samples from standard input as soon as they arrive."""
    size = round(_BLOCK_SECONDS * rate) * channels * (2 if encoding == "s16le" else 4)
    # os.read is not buffered: it returns as soon as samples are there.
    return SampleStream(
        iter(lambda: os.read(sys.stdin.fileno(), size), b""), rate, channels, encoding, machine_id
    )


class _Samples:
    """The bytes of a stream, kept until they are answered.

    They are read by a thread per connection. The thread of a lost connection may still wait for
    samples: what it reads then is kept for the next one.

    Parameters
    ----------
    blocks : iterator of bytes
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._kept = bytearray()
        self._start = 0
        self._reading = threading.Lock()
        self._changing = threading.Lock()

    def read(self, position: int) -> bytes:
        """Return the bytes from a position on, or wait for the next; empty at the end."""
        while True:
            if there := self._read_kept(position):
                return there
            with self._reading:
                if there := self._read_kept(position):
                    return there
                block = next(self._blocks, b"")
                if not block:
                    return b""
                with self._changing:
                    self._kept += block

    def forget(self, position: int) -> None:
        """Keep only the bytes from a position on."""
        with self._changing:
            cut = min(position - self._start, len(self._kept))
            del self._kept[:cut]
            self._start += cut

    def _read_kept(self, position: int) -> bytes:
        with self._changing:
            first = position - self._start
            return bytes(self._kept[first : first + _LARGEST_MESSAGE])


class _Listening:
    """A stream that is sent over one connection after the other.

    Parameters
    ----------
    samples : SampleStream
    url : str
    window, step : float
        In seconds.
    api_key : str
    """

    def __init__(
        self, samples: SampleStream, url: str, window: float, step: float, api_key: str
    ) -> None:
        self._format = samples
        self._samples = _Samples(samples.blocks)
        self._step = max(1, round(step * samples.rate))  # in samples, as the service counts
        self._address = _address(url, samples, window, step)
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._answered = 0
        self.connected = False

    def verdicts(self) -> Iterator[dict[str, Any]]:
        """Connect, send the windows that are not answered yet, and yield their verdicts."""
        self.connected = False
        first = self._answered
        with connect(
            self._address,
            additional_headers=self._headers,
            compression=None,
            max_size=1 << 24,
            proxy=None,
        ) as connection:
            self.connected = True
            start = first * self._step * _frame_bytes(self._format)
            threading.Thread(target=self._send, args=(connection, start), daemon=True).start()
            for message in connection:
                self._answered += 1
                self._samples.forget(self._answered * self._step * _frame_bytes(self._format))
                yield self._placed(json.loads(message), first)

    def _send(self, connection: ClientConnection, position: int) -> None:
        try:
            while block := self._samples.read(position):
                connection.send(block)
                position += len(block)
            connection.send("end")
        except ConnectionClosed:
            pass  # the receiving side reports why

    def _placed(self, verdict: dict[str, Any], first: int) -> dict[str, Any]:
        """Return a verdict with its place in the whole stream, not in that of this connection."""
        if not first:
            return verdict
        seconds = first * self._step / self._format.rate
        moved = {name: round(verdict[name] + seconds, 3) for name in ("Start", "End")}
        return verdict | {"Window": verdict["Window"] + first, **moved}


def _frame_bytes(samples: SampleStream) -> int:
    return samples.channels * (2 if samples.encoding == "s16le" else 4)


def stream_verdicts(
    samples: SampleStream,
    *,
    url: str,
    window: float,
    step: float,
    api_key: str = "",
    retry_seconds: float = 0.0,
) -> Iterator[dict[str, Any]]:
    """Send samples to a service and yield its verdicts as they arrive.

    Parameters
    ----------
    samples : SampleStream
    url : str
        Address of the service, ``http://host:port``.
    window, step : float
        Length of a window and distance from one to the next, in seconds.
    api_key : str
        Key of the service; empty if it needs none.
    retry_seconds : float
        How long to try to connect again after the connection is lost.

    Raises
    ------
    ParameterError
        If `url` is not an address.
    ServiceError
        If the service cannot be reached, refuses, or ends the stream early.
    """
    listening = _Listening(samples, url, window, step, api_key)
    lost = None  # since when
    while True:
        try:
            yield from listening.verdicts()
            return
        except (OSError, WebSocketException) as error:
            if listening.connected:
                lost = None
            passing = lost is not None or listening.connected
            if not (passing and _is_passing(error)) or _over(lost, retry_seconds):
                raise _service_error(url, error) from error
        if lost is None:
            lost = time.monotonic()
            warn(f"{url}: the connection was lost; trying again for {retry_seconds:g} s")
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _over(since: float | None, seconds: float) -> bool:
    """Return whether the time for further tries is over; it begins when the connection is lost."""
    return seconds <= 0 if since is None else time.monotonic() - since > seconds


def _is_passing(error: Exception) -> bool:
    """Return whether a service that starts again could answer."""
    if isinstance(error, ConnectionClosed):
        return error.rcvd is None or error.rcvd.code in _RESTART
    if isinstance(error, InvalidStatus):
        return error.response.status_code in _BUSY
    return not isinstance(error, InvalidURI)


def _service_error(url: str, error: Exception) -> ParameterError | ServiceError:
    if isinstance(error, ConnectionClosed):
        reason = error.rcvd.reason if error.rcvd and error.rcvd.reason else "without a reason"
        return ServiceError(f"{url}: the service ended the stream early ({reason})")
    if isinstance(error, InvalidStatus):
        return ServiceError(f"{url}: refused, {_reason(error)}")
    if isinstance(error, InvalidURI):
        return _wrong_address(url)
    return ServiceError(
        f"{url}: cannot be reached ({error}); is `stethoscope serve` running there?"
    )


def _wrong_address(url: str) -> ParameterError:
    return ParameterError(f"--url {url}: is not an address; give one such as http://127.0.0.1:5000")


def _address(url: str, samples: SampleStream, window: float, step: float) -> str:
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise _wrong_address(url)
    query = {
        "rate": samples.rate,
        "channels": samples.channels,
        "encoding": samples.encoding,
        "window": window,
        "step": step,
    }
    if samples.machine_id:
        query["machine_id"] = samples.machine_id
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc}{parts.path.rstrip('/')}/stream?{urlencode(query)}"


def _reason(error: InvalidStatus) -> str:
    try:
        return str(json.loads(error.response.body)["Error"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.response.status_code}"
