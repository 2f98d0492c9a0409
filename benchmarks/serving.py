"""Compare the service with the classic one: Flask, librosa, and Keras `predict` per request.

    python benchmarks/serving.py
    python benchmarks/serving.py --packages     also installs both and prints their sizes

Both servers run on this machine, in turns, on the same clip, and so does the client. It opens a new
connection per request and sends the same form. Absolute times vary with the machine, the ratios
hardly do.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
CLASSIC_PACKAGES = ("flask", "librosa", "tensorflow-cpu>=2.21,<2.22", "resampy")


@dataclass
class Measured:
    """The figures of one server in one round.

    Times are in seconds, memory is in bytes. `work` is processor time per request.
    """

    ready: float
    first: float
    median: float
    late: float
    work: float
    rate: float
    memory: int


def main() -> None:
    """Print the table."""
    options = read_options()
    if options.classic:
        classic(options.classic)
        return
    with tempfile.TemporaryDirectory() as scratch:
        bundle = options.bundle or train(Path(scratch))
        body = form(record(Path(scratch) / "clip.wav"))
        commands = {
            "classic": [sys.executable, __file__, "--classic", "{port}"],
            "stethoscope": [
                *(sys.executable, "-m", "stethoscope"),
                *("serve", str(bundle), "--port", "{port}"),
            ],
        }
        rounds: dict[str, list[Measured]] = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, command in commands.items():
                rounds[name].append(measure(command, body, options.requests, options.seconds))
        report({name: best(found) for name, found in rounds.items()})
        if options.packages:
            weigh(Path(scratch))


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--bundle", type=Path, help="an exported model (default: one is trained on simulated fans)"
    )
    parser.add_argument(
        "--requests", type=int, default=100, help="requests of one client (default: 100)"
    )
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="duration with four clients (default: 5)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument(
        "--packages", action="store_true", help="print the sizes of the installed packages"
    )
    parser.add_argument("--classic", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def train(scratch: Path) -> Path:
    """Train the autoencoder, the model that the classic service runs too."""
    command = [sys.executable, "-m", "stethoscope", "run", "--output", str(scratch / "run")]
    for value in ("detector=autoencoder", "fit_epochs=1"):
        command += ["-p", value]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return scratch / "run" / "bundle"


def record(path: Path) -> bytes:
    """Return ten seconds of noise as a 16-kHz WAV."""
    import numpy as np
    import soundfile

    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(160_000), 16_000)
    return path.read_bytes()


def form(recording: bytes) -> bytes:
    """Return the body of a form with the recording in its field `file`."""
    head = (
        b'--BOUNDARY\r\nContent-Disposition: form-data; name="file"; filename="clip.wav"\r\n'
        b"Content-Type: audio/wav\r\n\r\n"
    )
    return head + recording + b"\r\n--BOUNDARY--\r\n"


def post(port: int, body: bytes) -> dict[str, object]:
    """Send a recording and return the verdict."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            "POST", "/inference", body, {"Content-Type": "multipart/form-data; boundary=BOUNDARY"}
        )
        answer: dict[str, object] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if "Anomaly" not in answer:
        raise RuntimeError(str(answer))
    return answer


@contextmanager
def running(command: list[str], port: int) -> Iterator[tuple[psutil.Process, float]]:
    """Run a server; yield its process and how long it took until it answered `GET /`."""
    began = time.perf_counter()
    process = psutil.Popen(
        [part.format(port=port) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
                connection.request("GET", "/")
                connection.getresponse().read()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"{command} ended") from None
                time.sleep(0.01)
        yield process, time.perf_counter() - began
    finally:
        if process.is_running():
            process.terminate()
        process.wait(30)


def measure(command: list[str], body: bytes, requests: int, seconds: float) -> Measured:
    """Measure a server from its start."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with running(command, port) as (process, ready):
        first = timed(port, body)
        before = worked(process)
        times = sorted(timed(port, body) for _ in range(requests))
        work = (worked(process) - before) / requests
        counts = [0] * 4
        end = time.perf_counter() + seconds

        def client(index: int) -> None:
            while time.perf_counter() < end:
                post(port, body)
                counts[index] += 1

        threads = [threading.Thread(target=client, args=(index,)) for index in range(len(counts))]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rate = sum(counts) / (time.perf_counter() - began)
        # Workers share pages with the process that forked them; each page counts once.
        processes = (process, *process.children(recursive=True))
        memory = sum(one.memory_full_info().pss for one in processes)
    return Measured(
        ready,
        first,
        statistics.median(times),
        times[int(0.99 * (len(times) - 1))],
        work,
        rate,
        memory,
    )


def worked(process: psutil.Process) -> float:
    """Return the processor time that a server has used, in seconds.

    It hardly depends on the other load of the machine.
    """
    return float(
        sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))
    )


def timed(port: int, body: bytes) -> float:
    """Return how long one request takes."""
    began = time.perf_counter()
    post(port, body)
    return time.perf_counter() - began


def best(rounds: list[Measured]) -> Measured:
    """Return the best value of every figure, which other load disturbed least."""
    return Measured(
        ready=min(one.ready for one in rounds),
        first=min(one.first for one in rounds),
        median=min(one.median for one in rounds),
        late=min(one.late for one in rounds),
        work=min(one.work for one in rounds),
        rate=max(one.rate for one in rounds),
        memory=max(one.memory for one in rounds),
    )


def report(found: dict[str, Measured]) -> None:
    """Print both servers and their ratio."""
    old, new = found["classic"], found["stethoscope"]
    print(f"{os.cpu_count()} processors, a 10-s clip of 320 kB, best of the rounds\n")
    print(f"{'':<34}{'classic':>12}{'stethoscope':>14}{'ratio':>9}")
    rows = (
        ("1 client, median, ms", 1e3 * old.median, 1e3 * new.median, old.median / new.median),
        ("1 client, 99th percentile, ms", 1e3 * old.late, 1e3 * new.late, old.late / new.late),
        ("processor time per request, ms", 1e3 * old.work, 1e3 * new.work, old.work / new.work),
        ("4 clients, requests per second", old.rate, new.rate, new.rate / old.rate),
        ("start until ready, s", old.ready, new.ready, old.ready / new.ready),
        ("first answer after that, s", old.first, new.first, old.first / new.first),
        ("resident memory, MB", old.memory / 1e6, new.memory / 1e6, old.memory / new.memory),
    )
    for name, before, after, ratio in rows:
        print(f"{name:<34}{before:>12.3g}{after:>14.3g}{ratio:>8.1f}x")


def weigh(scratch: Path) -> None:
    """Install both into fresh environments and print their sizes."""
    wanted = {
        "classic": CLASSIC_PACKAGES,
        "stethoscope": ("--constraint", str(ROOT / "constraints.txt"), f"{ROOT}[serve]"),
    }
    for name, packages in wanted.items():
        folder = scratch / name
        venv.create(folder, with_pip=True)
        subprocess.run(
            [folder / "bin/python", "-m", "pip", "install", "--quiet", *packages], check=True
        )
        subprocess.run(
            [
                folder / "bin/python",
                "-m",
                "pip",
                "uninstall",
                "--quiet",
                "--yes",
                "pip",
                "setuptools",
            ],
            check=True,
        )
        (packages_folder,) = (folder / "lib").glob("python3*/site-packages")
        size = sum(
            file.stat().st_size
            for file in packages_folder.rglob("*")
            if file.is_file() and not file.is_symlink()
        )
        print(f"site-packages of {name}: {size / 1e6:.0f} MB")


def classic(port: int) -> None:
    """Serve as tutorials do: load with librosa, stack vectors, call the `predict` of Keras."""
    from flask import Flask, jsonify, request
    from recipe import build, file_to_vectors

    app = Flask("classic")
    model = build()

    @app.get("/")  # type: ignore[untyped-decorator]
    def up() -> str:
        return "server is up"

    @app.post("/inference")  # type: ignore[untyped-decorator]
    def inference() -> object:
        import numpy as np

        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            request.files["file"].save(file.name)
            vectors = file_to_vectors(Path(file.name))
        score = float(np.mean(np.square(vectors - model.predict(vectors, verbose=0))))
        return jsonify(
            {
                "Anomaly": score > 1.0,
                "Details": {"Message": "Component OK", "Probabilities": [score]},
            }
        )

    app.run(port=port, threaded=True)


if __name__ == "__main__":
    main()
