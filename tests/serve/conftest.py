"""A running service."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
import requests
import uvicorn

from stethoscope.cli import main
from stethoscope.serve.limits import Limits
from stethoscope.serve.model import LiveModel
from stethoscope.serve.server import bind, configure

BLOCKED = ("tensorflow", "keras", "librosa", "sklearn", "scipy", "matplotlib", "kfp")
"""What the service must do without."""


@dataclass
class Service:
    """A service in a process of its own."""

    url: str
    process: subprocess.Popen[str]
    log: IO[str]

    def stop(self) -> str:
        """End the service and give back its log."""
        self.process.terminate()
        self.process.wait(20)
        self.log.seek(0)
        return self.log.read()


@contextmanager
def serving(
    bundle: Path, *options: str, environment: dict[str, str] | None = None
) -> Iterator[Service]:
    """Run `stethoscope serve` in a process in which importing a blocked package fails."""
    program = f"import sys\nfor name in {BLOCKED!r}: sys.modules[name] = None\nfrom stethoscope.cli import main\nsys.exit(main(sys.argv[1:]))"
    # A file, not a pipe: nobody reads the log meanwhile, and a full pipe would stop the service.
    log = tempfile.TemporaryFile("w+")  # closed below, after the process  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-c", program, "serve", str(bundle), "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            process.wait(30)
            log.seek(0)
        assert found, f"{line}{log.read()}"
        yield Service(found.group(), process, log)
    finally:
        process.terminate()
        process.wait(30)
        log.close()
        if process.stdout:
            process.stdout.close()


@pytest.fixture(scope="session")
def service(fan_bundle: Path) -> Iterator[str]:
    """Address of a service of the fan's bundle, with default limits."""
    with serving(fan_bundle) as running:
        wait(lambda: requests.get(f"{running.url}/v2/health/ready", timeout=5).ok)
        yield running.url


@pytest.fixture
def start() -> Iterator[Callable[..., str]]:
    """Starts services in threads of this process, so that a test can set limits and reach inside;
    returns their addresses.
    """
    with ExitStack() as stack:

        def start(bundle: Path | LiveModel, *, api_key: str = "", **limits: Any) -> str:
            model = bundle if isinstance(bundle, LiveModel) else LiveModel(bundle)
            listener = bind("127.0.0.1", 0)
            server = uvicorn.Server(configure(model, Limits(**limits), api_key))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()

            def stop() -> None:
                server.should_exit = True
                thread.join(30)

            stack.callback(stop)
            wait(lambda: server.started)
            return f"http://127.0.0.1:{listener.getsockname()[1]}"

        yield start


def wait(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def recordings(fan_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The fans' test clips."""
    folder = tmp_path_factory.mktemp("recordings")
    with zipfile.ZipFile(fan_archive) as archive:
        archive.extractall(folder)
    return sorted((folder / "fan" / "test").glob("*.wav"))


@pytest.fixture
def predicted(
    fan_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[dict[str, Any]]]:
    """What `stethoscope predict` answers to files."""

    def predicted(*files: Path, machine_id: str = "") -> list[dict[str, Any]]:
        main(["predict", str(fan_bundle), *map(str, files), "--machine-id", machine_id])
        answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        for answer in answers:
            del answer["File"]
        return answers

    return predicted
