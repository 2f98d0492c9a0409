import io
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stethoscope.cli import main
from tests.serve.helpers import pcm


def test_listen_prints_a_line_per_window_of_a_file(
    service: str,
    recordings: list[Path],
    predicted: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (expected,) = predicted(recordings[0])
    assert main(["listen", str(recordings[0]), "--url", service]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    answer = json.loads(line)
    assert {key: answer[key] for key in expected} == expected


def test_listen_sends_raw_samples_from_standard_input(
    service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    reading, writing = os.pipe()

    class Stdin(io.StringIO):
        def fileno(self) -> int:
            return reading

    monkeypatch.setattr("sys.stdin", Stdin())
    content = pcm(2.2).tobytes()

    def feed() -> None:
        with open(writing, "wb") as pipe:
            pipe.write(content)

    feeder = threading.Thread(target=feed)
    feeder.start()
    assert main(["listen", "-", "--url", service, "--window", "1", "--machine-id", "00"]) == 0
    feeder.join()
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["End"] for answer in answers] == [1.0, 2.0, 2.2]
    assert {answer["Details"]["MachineId"] for answer in answers} == {"00"}


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["absent.wav"], 1, "absent.wav"),
        (["-", "--url", "ftp://x"], 2, "ftp://x"),
        (["-", "--url", "http://127.0.0.1:9"], 1, "cannot be reached"),
    ],
)
def test_listen_reports_errors_in_one_line(
    arguments: list[str], status: int, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["listen", *arguments]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line


def test_listen_reports_why_the_service_refuses(
    start: Callable[..., str],
    fan_bundle: Path,
    recordings: list[Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = start(fan_bundle, api_key="s3cret")
    assert main(["listen", str(recordings[0]), "--url", url]) == 1
    assert "asks for a key" in capsys.readouterr().err
    monkeypatch.setenv("STETHOSCOPE_API_KEY", "s3cret")
    assert main(["listen", str(recordings[0]), "--url", url]) == 0
