"""The client of ``stethoscope listen``: it sends a sound to a service and yields the verdicts."""

import json
import os
import sys
import threading
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
from stethoscope.sound.audio import decode
from stethoscope.sound.formats import UNREADABLE, find_format

_BLOCK_SECONDS = 0.25
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
        reason = "no such file" if isinstance(error, FileNotFoundError) else UNREADABLE
        raise AudioError(f"{path}: {reason}") from error

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


def stream_verdicts(
    samples: SampleStream, *, url: str, window: float, step: float, api_key: str = ""
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

    Raises
    ------
    ParameterError
        If `url` is not an address.
    ServiceError
        If the service cannot be reached, refuses, or ends the stream early.
    """
    try:
        with connect(
            _address(url, samples, window, step),
            additional_headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            compression=None,
            max_size=1 << 24,
            proxy=None,
        ) as connection:
            sender = threading.Thread(target=_send, args=(connection, samples), daemon=True)
            sender.start()
            for message in connection:
                yield json.loads(message)
    except ConnectionClosed as error:
        reason = error.rcvd.reason if error.rcvd and error.rcvd.reason else "without a reason"
        raise ServiceError(f"{url}: the service ended the stream early ({reason})") from error
    except InvalidStatus as error:
        raise ServiceError(f"{url}: refused, {_reason(error)}") from error
    except InvalidURI as error:
        raise _wrong_address(url) from error
    except (OSError, WebSocketException) as error:
        raise ServiceError(
            f"{url}: cannot be reached ({error}); is `stethoscope serve` running there?"
        ) from error


def _send(connection: ClientConnection, samples: SampleStream) -> None:
    try:
        for block in samples.blocks:
            connection.send(block)
        connection.send("end")
    except ConnectionClosed:
        pass  # the receiving side reports why


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
