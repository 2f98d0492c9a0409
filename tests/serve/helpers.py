"""Running services, and requests to them."""

import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import requests
import soundfile
from prometheus_client.parser import text_string_to_metric_families

RATE = 16_000
BLOCKED = ("tensorflow", "keras", "librosa", "sklearn", "scipy", "matplotlib", "kfp")
"""Packages that the service must not need."""

Start = Callable[..., str]


@dataclass
class RunningService:
    """A service in a process of its own."""

    url: str
    process: subprocess.Popen[str]
    log: IO[str]

    def stop(self) -> str:
        """End the service and return its log."""
        self.process.terminate()
        self.process.wait(20)
        self.log.seek(0)
        return self.log.read()


@contextmanager
def serving(bundle: Path, *options: str) -> Iterator[RunningService]:
    """Run `stethoscope serve` in a process that cannot import a blocked package.

    The service is ready when the block begins.
    """
    program = (
        f"import sys\nfor name in {BLOCKED!r}: sys.modules[name] = None\n"
        "from stethoscope.cli import main\nsys.exit(main(sys.argv[1:]))"
    )
    # A file, not a pipe: nothing reads the log meanwhile, and a full pipe would stop the service.
    log = tempfile.TemporaryFile("w+")  # closed below, after the process  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-c", program, "serve", str(bundle), "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=os.environ,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            process.wait(30)
            log.seek(0)
        assert found, f"{line}{log.read()}"
        assert requests.get(f"{found.group()}/v2/health/ready", timeout=30).ok
        yield RunningService(found.group(), process, log)
    finally:
        process.terminate()
        process.wait(30)
        log.close()
        if process.stdout:
            process.stdout.close()


def wait(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def wav(samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16", kind: str = "WAV") -> bytes:
    """Return samples as a recording."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, subtype=subtype, format=kind)
    return buffer.getvalue()


def noise(seconds: float = 1.0, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """Return noise [shape=(n_samples, n_channels)]."""
    return 0.1 * np.random.default_rng(0).standard_normal((round(seconds * rate), channels))


def pcm(seconds: float, channels: int = 1) -> np.ndarray:
    """Return noise as 16-bit samples [shape=(n_samples, n_channels)]."""
    return np.rint(32768 * noise(seconds, channels=channels)).astype("<i2")


def post(
    url: str, content: bytes, name: str = "clip.wav", field: str = "file", **options: Any
) -> requests.Response:
    """Send a recording to `/inference`, as a form."""
    return requests.post(f"{url}/inference", files={field: (name, content)}, timeout=20, **options)


def metric(url: str, name: str, **labels: str) -> float:
    """Return a value from `/metrics`, 0 if it is not there."""
    text = requests.get(f"{url}/metrics", timeout=5).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return 0.0
