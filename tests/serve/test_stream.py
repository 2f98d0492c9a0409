import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from stethoscope.cli import main
from stethoscope.serve.stream import StreamFormat, Windows

RATE = 16_000


def open_stream(url: str, headers: dict[str, str] | None = None, **query: Any) -> ClientConnection:
    return connect(
        f"{url.replace('http', 'ws')}/stream?{urlencode(query)}",
        proxy=None,
        additional_headers=headers,
    )


def pcm(seconds: float, channels: int = 1, seed: int = 0) -> np.ndarray:
    noise = 3000 * np.random.default_rng(seed).standard_normal((round(seconds * RATE), channels))
    return noise.astype("<i2")


def test_every_window_is_judged_as_predict_judges_it_alone(
    service: str, predicted: Callable[..., Any], tmp_path: Path
) -> None:
    samples = pcm(3.5, channels=2)
    with open_stream(service, channels=2, window=1.0, machine_id="02") as stream:
        content = samples.tobytes()
        for start in range(0, len(content), 7001):  # blocks that split samples
            stream.send(content[start : start + 7001])
        stream.send("end")
        answers = [json.loads(message) for message in stream]
    assert [(answer.pop("Window"), answer.pop("Start"), answer.pop("End")) for answer in answers] == [
        (0, 0.0, 1.0), (1, 1.0, 2.0), (2, 2.0, 3.0), (3, 2.5, 3.5),
    ]  # fmt: skip
    files = []
    for start in (0, 1, 2, 2.5):
        files.append(tmp_path / f"{start}.wav")
        soundfile.write(files[-1], samples[round(start * RATE) : round((start + 1) * RATE)], RATE)
    assert answers == predicted(*files, machine_id="02")


def test_overlapping_windows_come_step_by_step(service: str) -> None:
    with open_stream(service, window=1.0, step=0.5) as stream:
        stream.send(pcm(2.0).tobytes())
        starts = [json.loads(stream.recv(10))["Start"] for _ in range(3)]
        assert starts == [0.0, 0.5, 1.0]
        stream.send("end")
        assert list(stream) == []


def test_a_window_that_cannot_be_judged_is_told_and_the_stream_goes_on(service: str) -> None:
    with open_stream(service, window=1.0, encoding="f32le") as stream:
        stream.send(np.full(RATE, np.nan, "<f4").tobytes())
        assert json.loads(stream.recv(10))["Reason"] == "unusable_recording"
        stream.send((pcm(1.0)[:, 0] / 32768).astype("<f4").tobytes())
        assert "Anomaly" in json.loads(stream.recv(10))


@pytest.mark.parametrize(
    "query",
    [{"rate": "fast"}, {"rate": 1}, {"rate": "nan"}, {"channels": 0}, {"channels": 33}, {"window": 0}, {"window": 1e9}, {"step": -1},
     {"encoding": "mp3"}, {"window": 300, "rate": 384_000, "channels": 32}],
)  # fmt: skip
def test_formats_that_cannot_work_are_refused_before_the_stream_opens(
    service: str, query: dict[str, Any]
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_stream(service, **query)
    assert refused.value.response.status_code == 422
    assert json.loads(refused.value.response.body)["Reason"] == "bad_parameter"


def test_streams_are_few_quiet_ones_end_and_foreign_pages_have_none(
    start: Callable[..., str], fan_bundle: Path
) -> None:
    url = start(fan_bundle, max_streams=1, silence_seconds=0.5)
    with open_stream(url) as first:
        with pytest.raises(InvalidStatus) as refused:
            open_stream(url)
        assert refused.value.response.status_code == 503
        with pytest.raises(ConnectionClosed) as closed:
            first.recv(10)
        assert closed.value.rcvd.code == 1008
    with pytest.raises(InvalidStatus) as refused:
        open_stream(url, {"origin": "http://elsewhere.example"})
    assert refused.value.response.status_code == 403
    with open_stream(url, {"origin": url}) as again:
        again.send("what?")
        with pytest.raises(ConnectionClosed) as closed:
            again.recv(10)
        assert closed.value.rcvd.code == 1003


def test_a_block_larger_than_allowed_ends_the_stream(service: str) -> None:
    with open_stream(service) as stream:
        stream.send(bytes((1 << 20) + 1))
        with pytest.raises(ConnectionClosed) as closed:
            stream.recv(10)
        assert closed.value.rcvd.code == 1009


def test_streams_ask_for_the_key(start: Callable[..., str], fan_bundle: Path) -> None:
    url = start(fan_bundle, api_key="s3cret")
    with pytest.raises(InvalidStatus) as refused:
        open_stream(url)
    assert refused.value.response.status_code == 401
    with open_stream(url, {"authorization": "Bearer s3cret"}, window=1.0) as stream:
        stream.send(pcm(1.0).tobytes())
        assert "Anomaly" in json.loads(stream.recv(10))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_windows_do_not_depend_on_how_the_stream_is_cut(data: st.DataObject) -> None:
    channels = data.draw(st.integers(1, 3))
    length, window, step = (data.draw(st.integers(1, 300)) for _ in range(3))
    form = StreamFormat(rate=100, channels=channels, window=window / 100, step=step / 100)
    samples = np.arange(length * channels, dtype="<i2").reshape(length, channels)
    content = samples.tobytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=12)))
    windows = Windows(form)
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        found += [(one.start, one.samples.copy()) for one in windows.add(content[start:end])]
    found += [(one.start, one.samples) for one in windows.finish()]
    ends = list(range(window, length + 1, step))
    if not ends or ends[-1] != length:
        ends.append(length)
    assert len(found) == len(ends)
    for (start, cut), end in zip(found, ends, strict=True):
        first = max(0, end - window)
        assert start == first / 100
        np.testing.assert_array_equal(cut, samples[first:end] / np.float32(32768))


def test_a_stream_of_any_length_holds_one_window() -> None:
    windows = Windows(StreamFormat(rate=1000, window=1.0, step=1.0))
    for _ in range(500):
        list(windows.add(bytes(2 * 700)))
        assert windows._kept.nbytes <= 4 * 1000
        assert windows._kept.base is None


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


def test_listen_takes_raw_samples_as_they_come(
    service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io
    import os

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
    ("arguments", "status", "told"),
    [
        (["absent.wav"], 1, "absent.wav"),
        (["-", "--url", "ftp://x"], 2, "ftp://x"),
        (["-", "--url", "http://127.0.0.1:9"], 1, "cannot be reached"),
    ],
)
def test_listen_says_in_one_line_what_is_wrong(
    arguments: list[str], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["listen", *arguments]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_listen_tells_why_the_service_refuses(
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
