"""Load on a service that runs on this machine: many clients, some of them hostile.

    stethoscope serve BUNDLE --port 5000 &
    python benchmarks/service_load.py CLIP.wav... --pid $! --seconds 30 --clients 16

Every good answer is compared with the first one to the same clip. The load goes to the loopback
interface only.
"""

import argparse
import io
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import requests
import soundfile

HOST = "127.0.0.1"
HOSTILE_SHARE = 0.05


@dataclass
class Outcome:
    """What came of a load.

    Attributes
    ----------
    good, hostile : Counter
        Answers by status; of hostile requests by kind and status, "closed" where the connection was
        closed on them.
    wrong : list of str
        Good requests that were answered with something else than their verdict.
    memory_before, memory_after : int
        Resident memory of the service in bytes, when every client has sent every kind of request
        once, and at the end; 0 if its process is not known.
    """

    good: Counter[int] = field(default_factory=Counter)
    hostile: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    memory_before: int = 0
    memory_after: int = 0

    @property
    def growth(self) -> float:
        """By which share the memory grew."""
        return self.memory_after / self.memory_before - 1

    @property
    def faults(self) -> list[str]:
        """Everything that must not happen: wrong verdicts, and answers above 499 other than a
        deliberate 503.
        """
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
    """Return recordings that are none, or too much."""
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
    """Send 200 MB, until the service says no."""
    head = b"POST /inference HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: 200000000\r\n\r\n"
    with socket.create_connection((HOST, port), timeout=20) as connection:
        connection.sendall(head)
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
    """Begin a request, send a little now and then, and give up."""
    with socket.create_connection((HOST, port), timeout=20) as connection:
        connection.sendall(
            b"POST /inference HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: 100000\r\n\r\n"
        )
        for _ in range(6):
            time.sleep(0.5)
            connection.sendall(b"slow")
    return "closed"


def status_of(connection: socket.socket) -> str:
    """Return the status that was answered, "closed" without one."""
    try:
        answer = connection.recv(4096)
    except OSError:
        return "closed"
    return answer.split()[1].decode() if answer.startswith(b"HTTP/") else "closed"


def load(
    port: int,
    clips: Sequence[Path],
    *,
    seconds: float,
    clients: int,
    process: psutil.Process | None = None,
) -> Outcome:
    """Load a service and watch what it answers.

    Before the time begins to run, every client sends every kind of request once: until then the
    service may grow, as every thread gets its own interpreter and buffers.
    """
    url = f"http://{HOST}:{port}/inference"
    contents = {clip.name: clip.read_bytes() for clip in clips}
    expected = {
        name: requests.post(url, files={"file": (name, content)}, timeout=30).json()
        for name, content in contents.items()
    }
    recordings = hostile_recordings()
    outcome, lock = Outcome(), threading.Lock()
    kinds: list[Callable[[requests.Session], tuple[str, str]]] = [
        *(
            lambda session, kind=kind: (kind, post(session, {"file": ("x.wav", recordings[kind])}))
            for kind in recordings
        ),
        lambda session: ("wrong field", post(session, {"sound": ("x.wav", recordings["384 kHz"])})),
        lambda _: ("large", large(port)),
        lambda _: ("slow", slow(port)),
    ]

    def post(session: requests.Session, files: dict[str, tuple[str, bytes]]) -> str:
        try:
            return str(session.post(url, files=files, timeout=30).status_code)
        except requests.ConnectionError:
            return "closed"

    def resident() -> int:
        return int(process.memory_info().rss) if process else 0

    end = 0.0

    def begin() -> None:
        nonlocal end
        outcome.memory_before = resident()
        end = time.monotonic() + seconds

    warm = threading.Barrier(clients, begin)

    def client(seed: int) -> None:
        chance = random.Random(seed)
        with requests.Session() as session:

            def attack(kind: Callable[[requests.Session], tuple[str, str]]) -> None:
                attempt = kind(session)
                with lock:
                    outcome.hostile[attempt] += 1

            def ask(name: str) -> None:
                answer = session.post(url, files={"file": (name, contents[name])}, timeout=60)
                with lock:
                    outcome.good[answer.status_code] += 1
                    if answer.status_code == 200 and answer.json() != expected[name]:
                        outcome.wrong.append(f"{name}: {answer.text}")

            try:
                for kind in kinds[seed:] + kinds[:seed]:  # in another order each
                    attack(kind)
                for name in contents:
                    ask(name)
                warm.wait(60)
                while time.monotonic() < end:
                    if chance.random() < HOSTILE_SHARE:
                        attack(chance.choice(kinds))
                    else:
                        ask(chance.choice(list(contents)))
            except Exception as error:
                warm.abort()  # the others would wait for this client
                with lock:
                    outcome.wrong.append(f"client {seed}: {error!r}")

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.memory_after = resident()
    return outcome


def main() -> None:
    """Print what came of it."""
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
    print(
        f"{sum(outcome.good.values()) / options.seconds:.0f} good requests per second, by status: {dict(outcome.good)}"
    )
    for (kind, status), count in sorted(outcome.hostile.items()):
        print(f"  {kind:<14} {status:>7} {count:>5}")
    if process:
        print(
            f"memory {outcome.memory_before / 1e6:.0f} MB, then {outcome.memory_after / 1e6:.0f} MB ({outcome.growth:+.0%})"
        )
    print(*(outcome.faults or ["nothing wrong"]), sep="\n")


if __name__ == "__main__":
    main()
