"""Load on a service that runs on this machine: many clients, with hostile requests among theirs.

    stethoscope serve BUNDLE --port 5000 &
    python benchmarks/service_load.py CLIP.wav... --pid $! --seconds 30 --clients 16

Every good answer is compared with the first answer to the same clip. The requests go to the
loopback interface only.
"""

import argparse
import io
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import requests
import soundfile

HOST = "127.0.0.1"
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
        Good requests with another answer than their verdict.
    memory_before, memory_after : int
        Resident memory of the service in bytes, after every client has sent every kind of request
        once, and at the end; 0 if its process is not known.
    """

    good: Counter[int] = field(default_factory=Counter)
    hostile: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    memory_before: int = 0
    memory_after: int = 0

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


class Load:
    """Clients that send requests to a service at the same time.

    Parameters
    ----------
    port : int
        Of the service.
    clips : sequence of Path
        Recordings of the good requests.
    clients : int
        Their number.
    seconds : float
        Duration of the load.
    process : psutil.Process, optional
        That of the service, to measure its memory.
    """

    def __init__(
        self,
        port: int,
        clips: Sequence[Path],
        *,
        clients: int,
        seconds: float,
        process: psutil.Process | None,
    ) -> None:
        self._port = port
        self._url = f"http://{HOST}:{port}/inference"
        self._contents = {clip.name: clip.read_bytes() for clip in clips}
        self._recordings = hostile_recordings()
        self._kinds = [*self._recordings, "wrong field", "large", "slow"]
        self._expected = {name: self._post_clip(requests, name).json() for name in self._contents}
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
        for thread in threads:
            thread.join()
        self.outcome.memory_after = self._memory()
        return self.outcome

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
        self._end = time.monotonic() + self._seconds

    def _memory(self) -> int:
        return int(self._process.memory_info().rss) if self._process else 0

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
        answer = self._post_clip(session, name)
        with self._lock:
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
    clips: Sequence[Path],
    *,
    seconds: float,
    clients: int,
    process: psutil.Process | None = None,
) -> Outcome:
    """Load a service and check its answers.

    Before the time is measured, every client sends every kind of request once. Until then the
    memory of the service may grow, because every thread gets its own interpreter and buffers.
    """
    return Load(port, clips, clients=clients, seconds=seconds, process=process).run()


def main() -> None:
    """Load a running service and print the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--pid", type=int, help="the service's process, to watch its memory")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    process = psutil.Process(options.pid) if options.pid else None
    outcome = load(
        options.port,
        options.clips,
        seconds=options.seconds,
        clients=options.clients,
        process=process,
    )
    rate = sum(outcome.good.values()) / options.seconds
    print(f"{rate:.0f} good requests per second, by status: {dict(outcome.good)}")
    for (kind, status), count in sorted(outcome.hostile.items()):
        print(f"  {kind:<14} {status:>7} {count:>5}")
    if process:
        before, after = outcome.memory_before / 1e6, outcome.memory_after / 1e6
        print(f"memory {before:.0f} MB, then {after:.0f} MB ({outcome.growth:+.0%})")
    print(*(outcome.faults or ["nothing wrong"]), sep="\n")


if __name__ == "__main__":
    main()
