"""Compare the service with the classic one: Flask, librosa, and Keras `predict` per request.

    python benchmarks/serving.py
    python benchmarks/serving.py --packages     also installs both and prints their sizes

Both servers run on this machine, in turns, on the same clip, and so does the client. It opens a new
connection per request and sends the same form. This service is measured twice: with the autoencoder
of the classic one alone, and with the default detector and its diagnosis, which the classic one
does not have. Absolute times vary with the machine, the ratios hardly do.
"""

import argparse
import functools
import http.client
import json
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
from pathlib import Path

import psutil
from timing import Figure, Rounds, in_turns, memory_of, pair, print_figures, timed

ROOT = Path(__file__).resolve().parents[1]
CLASSIC_PACKAGES = ("flask", "librosa", "tensorflow-cpu>=2.21,<2.22", "resampy")


MODELS = {
    # What the classic service computes, and nothing besides.
    "autoencoder": ("detector=autoencoder", "fit_epochs=1", "fault_groups=0"),
    "default": (),
}
"""Parameters of the runs whose bundles are served."""


def main() -> None:
    """Print the figures."""
    options = read_options()
    if options.classic:
        classic(options.classic)
        return
    with tempfile.TemporaryDirectory() as scratch:
        print_figures(compare(Path(scratch), options.requests, options.seconds, options.rounds))
        if options.packages:
            weigh(Path(scratch))


def figures(*, quick: bool) -> list[Figure]:
    """Return all figures."""
    with tempfile.TemporaryDirectory() as scratch:
        return compare(Path(scratch), *((20, 1.0, 1) if quick else (100, 5.0, 3)))


def compare(scratch: Path, requests: int, seconds: float, rounds: int) -> list[Figure]:
    """Compare the classic service with this one: with the same autoencoder, and with the default.

    The default detector has a diagnosis besides.
    """
    body = form(record(scratch / "clip.wav"))
    commands = {
        "reference": [sys.executable, __file__, "--classic", "{port}"],
        **{name: serve_command(train(scratch / name, *MODELS[name])) for name in MODELS},
    }
    sides = {
        name: functools.partial(measure, command, body, requests, seconds)
        for name, command in commands.items()
    }
    found = in_turns(sides, rounds)
    return [
        figure
        for name in MODELS
        for figure in figures_of({"reference": found["reference"], "ours": found[name]}, name)
    ]


def figures_of(found: Rounds, model: str) -> list[Figure]:
    """Return the figures of a model beside those of the classic service."""
    return [
        pair(found, f"{model}.median", f"{model}: one client, median", "ms", "median", 1e3),
        pair(found, f"{model}.late", f"{model}: one client, 99th percentile", "ms", "late", 1e3),
        pair(found, f"{model}.work", f"{model}: processor time per request", "ms", "work", 1e3),
        pair(
            found,
            f"{model}.rate",
            f"{model}: four clients, requests per second",
            "1/s",
            "rate",
            more_is_better=True,
        ),
        pair(found, f"{model}.ready", f"{model}: start until ready", "s", "ready"),
        pair(found, f"{model}.first", f"{model}: first answer after that", "s", "first"),
        pair(found, f"{model}.memory", f"{model}: memory", "MB", "memory", 1e-6),
    ]


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
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


def train(folder: Path, *parameters: str) -> Path:
    """Run the main pipeline on simulated fans, and return the bundle."""
    command = [sys.executable, "-m", "stethoscope", "run", "--output", str(folder)]
    for value in parameters:
        command += ["-p", value]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder / "bundle"


def serve_command(bundle: Path) -> list[str]:
    """Return the command that serves a bundle; its port is to be filled in."""
    return [sys.executable, "-m", "stethoscope", "serve", str(bundle), "--port", "{port}"]


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


def measure(command: list[str], body: bytes, requests: int, seconds: float) -> dict[str, float]:
    """Measure a server from its start.

    Times are in seconds, memory is in bytes. `work` is processor time per request.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with running(command, port) as (process, ready):
        first = answered(port, body)
        before = worked(process)
        times = sorted(answered(port, body) for _ in range(requests))
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
        memory = memory_of(process)
    return {
        "ready": ready,
        "first": first,
        "median": statistics.median(times),
        "late": times[int(0.99 * (len(times) - 1))],
        "work": work,
        "rate": rate,
        "memory": memory,
    }


def worked(process: psutil.Process) -> float:
    """Return the processor time that a server has used, in seconds.

    It hardly depends on the other load of the machine.
    """
    return float(
        sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))
    )


def answered(port: int, body: bytes) -> float:
    """Return how long one request takes."""
    return timed(lambda: post(port, body))[0]


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
