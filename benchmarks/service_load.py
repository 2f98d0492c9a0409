"""Load on a service that runs on this machine: many clients, with hostile ones among them.

    stethoscope serve BUNDLE --port 5000 &
    python benchmarks/service_load.py BUNDLE CLIP.wav... --pid $! --seconds 30 --clients 16

Every client sends one hostile request in twenty. Besides, an attacker sends without pause, from an
address of its own: batches that decode to much, the largest stream in tiny messages, bodies that
trickle, and recordings whose answers it does not wait for. Every good answer is compared with that
of `stethoscope predict`. Meanwhile the health is requested ten times a second. The requests go to
the loopback interface only. Times count on a machine that does nothing else.
"""

import argparse
import contextlib
import io
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil
import requests
import soundfile
from timing import memory_of
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

HOST = "127.0.0.1"
ATTACKER = "127.0.0.2"
LARGEST_STREAM = {"rate": 111_000, "window": 300}
"""A window of 66.6 MB: the largest that fits into the memory that streams may fill."""

HOSTILE_FRACTION = 0.05


@dataclass
class Outcome:
    """The result of a load.

    Attributes
    ----------
    good, hostile : Counter
        Number of answers by status; for hostile requests by kind and status, which is "closed" if
        the service closed the connection.
    wrong : list of str
        Good requests with another answer than that of `predict`.
    seconds : list of float
        Time of each good answer.
    health_seconds : list of float
        Time of each answer about the health; infinite if there was none.
    memory_before, memory_after, memory_most : int
        Memory of all processes of the service in bytes, where shared pages count once: after every
        client has sent every kind of request once, at the end, and the most that was seen; 0 if its
        process is not known.
    """

    good: Counter[int] = field(default_factory=Counter)
    hostile: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    health_seconds: list[float] = field(default_factory=list)
    memory_before: int = 0
    memory_after: int = 0
    memory_most: int = 0

    @property
    def growth(self) -> float:
        """Growth of the memory, as a fraction."""
        return self.memory_after / self.memory_before - 1

    @property
    def faults(self) -> list[str]:
        """Wrong verdicts, and answers with a status above 499 other than 503."""
        failed = [
            f"good request: {status}" for status in self.good if status >= 500 and status != 503
        ]
        failed += [
            f"{kind}: {status}"
            for kind, status in self.hostile
            if status.startswith("5") and status != "503"
        ]
        return self.wrong + failed


def wav(samples: Any, rate: int = 16_000, subtype: str = "PCM_16", kind: str = "WAV") -> bytes:
    """Return samples as a recording."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, subtype=subtype, format=kind)
    return buffer.getvalue()


def hostile_recordings() -> dict[str, bytes]:
    """Return files that are no recordings, or too large ones."""
    noise = 0.1 * np.random.default_rng(0).standard_normal((32_000, 32))
    whole = wav(noise[:, 0])
    return {
        "truncated": whole[: len(whole) // 3],
        "header only": whole[:44],
        "text": b"this is no sound\n" * 100,
        "zip as WAV": b"PK\x03\x04" + bytes(50_000),
        "bomb": wav(np.zeros((16_000 * 280, 8)), kind="FLAC"),
        "NaN": wav(np.full(16_000, np.nan), subtype="FLOAT"),
        "one sample": wav(np.array([0.5])),
        "384 kHz": wav(np.tile(noise[:, 0], 6), 384_000),
        "32 channels": wav(noise),
    }


def large(port: int) -> str:
    """Send 200 MB until the service refuses them; return the status."""
    with socket.create_connection((HOST, port), timeout=20) as connection:
        connection.sendall(_head(200_000_000))
        connection.setblocking(False)
        for _ in range(200):
            try:
                connection.send(bytes(1_000_000))
            except BlockingIOError:
                time.sleep(0.005)
            except OSError:
                break
        connection.settimeout(20)
        return status_of(connection)


def slow(port: int) -> str:
    """Send a request in small pieces, and close the connection before it is complete."""
    with socket.create_connection((HOST, port), timeout=20) as connection:
        connection.sendall(_head(100_000))
        for _ in range(6):
            time.sleep(0.5)
            connection.sendall(b"slow")
    return "closed"


def _head(length: int) -> bytes:
    """Return the header of a request with a recording of `length` bytes."""
    return (
        "POST /inference HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def status_of(connection: socket.socket) -> str:
    """Return the status of the answer; "closed" if there is none."""
    try:
        answer = connection.recv(4096)
    except OSError:
        return "closed"
    return answer.split()[1].decode() if answer.startswith(b"HTTP/") else "closed"


class Attack:
    """Hostile clients that go on until they are stopped.

    Parameters
    ----------
    port : int
        Of the service.
    batches : int
        Clients that send batches of 64 FLACs, each a minute of silence in a few kilobytes.
    """

    def __init__(self, port: int, batches: int = 20) -> None:
        self._port = port
        self._stopped = threading.Event()
        silence = wav(np.zeros(16_000 * 60), kind="FLAC")
        self._batch = _form([silence] * 64)
        self._long = wav(0.1 * np.random.default_rng(0).standard_normal(16_000 * 290))
        works = [self._send_batch] * batches + [self._flood_stream, self._trickle, self._leave]
        self._threads = [
            threading.Thread(target=self._repeat, args=(work,), daemon=True) for work in works
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, without waiting for answers that are long in coming."""
        self._stopped.set()

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(OSError, WebSocketException):
                work()
            time.sleep(0.05)

    def _send_batch(self) -> None:
        with attacking_connection(self._port) as client:
            client.sendall(self._batch)
            client.settimeout(120)
            status_of(client)

    def _flood_stream(self) -> None:
        """Fill the largest window nearly, and then send messages of two bytes."""
        with attacking_stream(self._port, **LARGEST_STREAM) as stream:
            for _ in range(62):
                stream.send(bytes(1 << 20))
            while not self._stopped.is_set():
                stream.send(b"\0\0")

    def _trickle(self) -> None:
        """Send a body byte by byte."""
        with attacking_connection(self._port) as client:
            client.sendall(_head(1_000_000))
            while not self._stopped.is_set():
                client.sendall(b"x")
                time.sleep(0.2)

    def _leave(self) -> None:
        """Send a long recording, and leave before the answer."""
        with attacking_connection(self._port) as client:
            client.sendall(_head(len(self._long)) + self._long)


def attacking_connection(port: int) -> socket.socket:
    """Return a connection from the attacker's address."""
    return socket.create_connection((HOST, port), timeout=20, source_address=(ATTACKER, 0))


def attacking_stream(port: int, **query: float) -> ClientConnection:
    """Open a stream from the attacker's address."""
    url = f"ws://{HOST}:{port}/stream?{urlencode(query)}"
    return connect(url, proxy=None, sock=attacking_connection(port), ping_interval=None)


def _form(recordings: Sequence[bytes]) -> bytes:
    """Return a request to `/inference/batch`."""
    request = requests.Request(
        "POST",
        f"http://{HOST}/inference/batch",
        files=[("file", (f"{number}.flac", one)) for number, one in enumerate(recordings)],
    ).prepare()
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    assert isinstance(request.body, bytes)
    return f"POST /inference/batch HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode() + request.body


def predict(bundle: Path, clips: Sequence[Path]) -> dict[str, Any]:
    """Return the answers of `stethoscope predict`, by the names of clips."""
    ran = subprocess.run(
        [sys.executable, "-m", "stethoscope", "predict", str(bundle), *map(str, clips)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    return {Path(answer.pop("File")).name: answer for answer in answers}


class Load:
    """Clients that send requests to a service at the same time.

    Parameters
    ----------
    port : int
        Of the service.
    bundle : Path
        What it serves.
    clips : sequence of Path
        Recordings of the good requests.
    clients : int
        Their number.
    seconds : float
        Duration of the load.
    process : psutil.Process, optional
        That of the service, to measure its memory.
    batches : int
        Clients of the attacker that send batches.
    """

    def __init__(
        self,
        port: int,
        bundle: Path,
        clips: Sequence[Path],
        *,
        clients: int,
        seconds: float,
        process: psutil.Process | None,
        batches: int = 20,
    ) -> None:
        self._port = port
        self._attack = Attack(port, batches)
        self._url = f"http://{HOST}:{port}/inference"
        self._contents = {clip.name: clip.read_bytes() for clip in clips}
        self._recordings = hostile_recordings()
        self._kinds = [*self._recordings, "wrong field", "large", "slow"]
        self._expected = predict(bundle, clips)
        self._clients = clients
        self._seconds = seconds
        self._process = process
        self._end = 0.0
        self._warm = threading.Barrier(clients, self._begin)
        self._lock = threading.Lock()
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Run all clients, and return the result."""
        threads = [
            threading.Thread(target=self._client, args=(seed,)) for seed in range(self._clients)
        ]
        for thread in threads:
            thread.start()
        self._watch(threads)
        for thread in threads:
            thread.join()
        self._attack.stop()
        self.outcome.memory_after = self._memory()
        return self.outcome

    def _watch(self, threads: Sequence[threading.Thread]) -> None:
        """Ask for the health and measure the memory until the clients have ended."""
        while any(thread.is_alive() for thread in threads):
            began = time.monotonic()
            try:
                requests.get(f"http://{HOST}:{self._port}/v2/health/live", timeout=20)
                self.outcome.health_seconds.append(time.monotonic() - began)
            except requests.RequestException:
                self.outcome.health_seconds.append(float("inf"))
            self.outcome.memory_most = max(self.outcome.memory_most, self._memory())
            time.sleep(0.1)

    def _client(self, seed: int) -> None:
        chance = random.Random(seed)
        try:
            with requests.Session() as session:
                for kind in self._kinds[seed:] + self._kinds[:seed]:  # each client in its own order
                    self._send_hostile(session, kind)
                for name in self._contents:
                    self._send_good(session, name)
                self._warm.wait(60)
                while time.monotonic() < self._end:
                    if chance.random() < HOSTILE_FRACTION:
                        self._send_hostile(session, chance.choice(self._kinds))
                    else:
                        self._send_good(session, chance.choice(list(self._contents)))
        except Exception as error:
            self._warm.abort()  # the other clients wait for this one
            with self._lock:
                self.outcome.wrong.append(f"client {seed}: {error!r}")

    def _begin(self) -> None:
        self.outcome.memory_before = self._memory()
        self._attack.start()
        self.outcome.seconds.clear()
        self._end = time.monotonic() + self._seconds

    def _memory(self) -> int:
        return memory_of(self._process) if self._process else 0

    def _send_hostile(self, session: requests.Session, kind: str) -> None:
        status = self._hostile_status(session, kind)
        with self._lock:
            self.outcome.hostile[kind, status] += 1

    def _hostile_status(self, session: requests.Session, kind: str) -> str:
        if kind == "large":
            return large(self._port)
        if kind == "slow":
            return slow(self._port)
        field_name, recording = ("sound", "384 kHz") if kind == "wrong field" else ("file", kind)
        files = {field_name: ("x.wav", self._recordings[recording])}
        try:
            return str(session.post(self._url, files=files, timeout=30).status_code)
        except requests.ConnectionError:
            return "closed"

    def _send_good(self, session: requests.Session, name: str) -> None:
        began = time.monotonic()
        answer = self._post_clip(session, name)
        seconds = time.monotonic() - began
        with self._lock:
            self.outcome.seconds.append(seconds)
            self.outcome.good[answer.status_code] += 1
            if answer.status_code == 200 and answer.json() != self._expected[name]:
                self.outcome.wrong.append(f"{name}: {answer.text}")

    def _post_clip(self, session: Any, name: str) -> requests.Response:
        answer: requests.Response = session.post(
            self._url, files={"file": (name, self._contents[name])}, timeout=60
        )
        return answer


def load(
    port: int,
    bundle: Path,
    clips: Sequence[Path],
    *,
    seconds: float,
    clients: int,
    process: psutil.Process | None = None,
    batches: int = 20,
) -> Outcome:
    """Load a service and check its answers.

    Before the time is measured, every client sends every kind of request once. Until then the
    memory of the service may grow. Then the attack begins.
    """
    return Load(
        port, bundle, clips, clients=clients, seconds=seconds, process=process, batches=batches
    ).run()


def _lines(outcome: Outcome, seconds: float) -> Iterator[str]:
    answered = sum(outcome.good.values())
    yield f"{answered / seconds:.0f} good requests per second, by status: {dict(outcome.good)}"
    median, late = np.quantile(outcome.seconds, (0.5, 0.99))
    yield f"good answers: median {1000 * median:.0f} ms, 99 % within {1000 * late:.0f} ms"
    yield f"health: at most {1000 * max(outcome.health_seconds):.0f} ms"
    for (kind, status), count in sorted(outcome.hostile.items()):
        yield f"  {kind:<14} {status:>7} {count:>5}"
    if outcome.memory_before:
        sizes = (outcome.memory_before, outcome.memory_most, outcome.memory_after)
        before, most, after = (size / 1e6 for size in sizes)
        yield f"memory {before:.0f} MB, at most {most:.0f} MB, at the end {after:.0f} MB"
    yield from outcome.faults or ["nothing wrong"]


def main() -> None:
    """Load a running service and print the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--pid", type=int, help="the service's process, to watch its memory")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    outcome = load(
        options.port,
        options.bundle,
        options.clips,
        seconds=options.seconds,
        clients=options.clients,
        process=psutil.Process(options.pid) if options.pid else None,
    )
    print(*_lines(outcome, options.seconds), sep="\n")


if __name__ == "__main__":
    main()
