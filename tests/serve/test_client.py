import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
from starlette.datastructures import QueryParams
from websockets.sync.server import ServerConnection, serve

from stethoscope.cli import main
from stethoscope.serve.limits import Limits
from stethoscope.serve.windows import StreamCutter, StreamFormat
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


@contextmanager
def restarting(code: int) -> Iterator[str]:
    """A service that closes its first two streams with a code after three windows each, and answers
    every window with the sum of its samples.
    """
    connections = []

    def handle(connection: ServerConnection) -> None:
        connections.append(connection)
        query = QueryParams(urlsplit(connection.request.path).query)
        cutter = StreamCutter(StreamFormat.from_query(query, Limits()))
        count = 0
        for message in connection:
            for window in cutter.finish() if message == "end" else cutter.add(message):
                if count == 3 and len(connections) < 3:
                    connection.close(code, "restart")
                    return
                samples = np.frombuffer(b"".join(window.wav[1:]), "<f4")
                answer = {"Window": count, "Start": window.start, "End": window.end}
                connection.send(json.dumps({**answer, "Sum": round(float(samples.sum()))}))
                count += 1
            if message == "end":
                return

    with serve(handle, "127.0.0.1", 0, close_timeout=0.2) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()


@pytest.mark.parametrize("step", [1.0, 0.5])
def test_listen_connects_again_and_misses_no_window_when_the_service_restarts(
    step: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = np.arange(7.25 * 1000) // 250 / 32  # sums are exact and different
    soundfile.write(tmp_path / "a.wav", samples, 1000, subtype="FLOAT")
    arguments = ["listen", str(tmp_path / "a.wav"), "--window", "1", "--step", str(step)]
    with restarting(1012) as url:
        assert main([*arguments, "--url", url]) == 0
    printed = capsys.readouterr()
    answers = [json.loads(line) for line in printed.out.splitlines()]
    assert [one["Window"] for one in answers] == list(range(len(answers)))
    assert answers[-1]["End"] == 7.25
    for one in answers:
        window = samples[round(one["Start"] * 1000) : round(one["End"] * 1000)]
        assert one["Sum"] == round(float(window.sum()))
    assert [one["Start"] for one in answers[:-1]] == [n * step for n in range(len(answers) - 1)]
    assert printed.err.count("the connection was lost") == 2


def test_listen_ends_when_told_not_to_try_again_or_when_the_service_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(4000), 1000)
    arguments = ["listen", str(tmp_path / "a.wav"), "--window", "1"]
    with restarting(1012) as url:
        assert main([*arguments, "--url", url, "--retry-seconds", "0"]) == 1
    assert "ended the stream early (restart)" in capsys.readouterr().err
    with restarting(1008) as url:
        assert main([*arguments, "--url", url]) == 1
    assert "ended the stream early (restart)" in capsys.readouterr().err
