"""Services that run during the tests, and the recordings that are sent to them."""

import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from stethoscope.cli import main
from stethoscope.serve.limits import Limits
from stethoscope.serve.model import LiveModel
from stethoscope.serve.server import bind, configure
from tests.serve.helpers import Start, serving, wait


@pytest.fixture(scope="session")
def service(fan_bundle: Path) -> Iterator[str]:
    """Address of a service of the fan's bundle, with default limits."""
    with serving(fan_bundle) as running:
        yield running.url


@pytest.fixture
def start() -> Iterator[Start]:
    """Start services in threads of this process, where a test can set limits and replace parts.

    It returns their addresses.
    """
    with ExitStack() as stack:

        def start(bundle: Path, *, api_key: str = "", metrics_key: str = "", **limits: Any) -> str:
            listener = bind("127.0.0.1", 0)
            config = configure(
                LiveModel(bundle), Limits(**limits), api_key, metrics_key=metrics_key
            )
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()

            def stop() -> None:
                server.should_exit = True
                thread.join(30)

            stack.callback(stop)
            wait(lambda: server.started)
            return f"http://127.0.0.1:{listener.getsockname()[1]}"

        yield start


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
    """Return what `stethoscope predict` answers for files."""

    def predicted(*files: Path, machine_id: str = "") -> list[dict[str, Any]]:
        main(["predict", str(fan_bundle), *map(str, files), "--machine-id", machine_id])
        answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        for answer in answers:
            del answer["File"]
        return answers

    return predicted
