import json
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
import requests
import soundfile
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.serve.helpers import RATE, metric, pcm, serving, wait


def open_stream(
    url: str, headers: dict[str, str] | None = None, address: str = "127.0.0.1", **query: Any
) -> ClientConnection:
    """Open a stream from one of the addresses of this computer: each is another client."""
    return connect(
        f"{url.replace('http', 'ws')}/stream?{urlencode(query)}",
        proxy=None,
        additional_headers=headers,
        source_address=(address, 0),
    )


def test_each_window_gets_the_verdict_of_predict(
    service: str, predicted: Callable[..., Any], tmp_path: Path
) -> None:
    samples = pcm(3.5, channels=2)
    with open_stream(service, channels=2, window=1.0, machine_id="02") as stream:
        content = samples.tobytes()
        for start in range(0, len(content), 7001):  # blocks that split samples
            stream.send(content[start : start + 7001])
        stream.send("end")
        answers = [json.loads(message) for message in stream]
    places = [tuple(answer.pop(key) for key in ("Window", "Start", "End")) for answer in answers]
    assert places == [(0, 0.0, 1.0), (1, 1.0, 2.0), (2, 2.0, 3.0), (3, 2.5, 3.5)]
    files = []
    for start in (0, 1, 2, 2.5):
        files.append(tmp_path / f"{start}.wav")
        soundfile.write(files[-1], samples[round(start * RATE) : round((start + 1) * RATE)], RATE)
    assert answers == predicted(*files, machine_id="02")


def test_overlapping_windows_are_answered_at_each_step(service: str) -> None:
    with open_stream(service, window=1.0, step=0.5) as stream:
        stream.send(pcm(2.0).tobytes())
        starts = [json.loads(stream.recv(10))["Start"] for _ in range(3)]
        assert starts == [0.0, 0.5, 1.0]
        stream.send("end")
        assert list(stream) == []


def test_window_that_cannot_be_judged_is_reported_and_the_stream_goes_on(service: str) -> None:
    with open_stream(service, window=1.0, encoding="f32le") as stream:
        stream.send(np.full(RATE, np.nan, "<f4").tobytes())
        assert json.loads(stream.recv(10))["Reason"] == "unusable_recording"
        stream.send((pcm(1.0)[:, 0] / 32768).astype("<f4").tobytes())
        assert "Anomaly" in json.loads(stream.recv(10))


@pytest.mark.parametrize(
    "query",
    [
        {"rate": "fast"},
        {"rate": 1},
        {"rate": "nan"},
        {"channels": 0},
        {"channels": 33},
        {"window": 0},
        {"window": 1e9},
        {"step": -1},
        {"encoding": "mp3"},
        {"window": 300, "rate": 384_000, "channels": 32},
    ],
)
def test_bad_format_is_refused_before_the_stream_opens(service: str, query: dict[str, Any]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_stream(service, **query)
    assert refused.value.response.status_code == 422
    assert json.loads(refused.value.response.body)["Reason"] == "bad_parameter"


def test_streams_are_limited_in_number_and_silence_and_to_own_pages(
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


@pytest.mark.skipif(sys.platform != "linux", reason="needs several loopback addresses")
def test_client_with_its_share_of_streams_leaves_the_others_to_others(
    start: Callable[..., str], fan_bundle: Path
) -> None:
    url = start(fan_bundle, max_streams=4)
    with ExitStack() as stack:
        first, *_ = (stack.enter_context(open_stream(url, window=1.0)) for _ in range(3))
        with pytest.raises(InvalidStatus) as refused:
            open_stream(url)
        assert refused.value.response.status_code == 429
        answer = json.loads(refused.value.response.body)
        assert answer["Reason"] == "too_many_streams"
        assert "--max-streams-per-client" in answer["Error"]
        assert metric(url, "stethoscope_refusals_total", reason="too_many_streams") == 1
        other = stack.enter_context(open_stream(url, address="127.0.0.2", window=1.0))
        assert metric(url, "stethoscope_streams_open") == 4
        for stream in (first, other):
            stream.send(pcm(1.0).tobytes())
            assert "Anomaly" in json.loads(stream.recv(10))
        first.close()
        wait(lambda: metric(url, "stethoscope_streams_open") == 3)
        stack.enter_context(open_stream(url, address="127.0.0.2"))


def test_too_large_block_ends_the_stream(service: str) -> None:
    with open_stream(service) as stream:
        stream.send(bytes((1 << 20) + 1))
        with pytest.raises(ConnectionClosed) as closed:
            stream.recv(10)
        assert closed.value.rcvd.code == 1009


def test_stream_requires_the_key(start: Callable[..., str], fan_bundle: Path) -> None:
    url = start(fan_bundle, api_key="s3cret")
    with pytest.raises(InvalidStatus) as refused:
        open_stream(url)
    assert refused.value.response.status_code == 401
    with open_stream(url, {"authorization": "Bearer s3cret"}, window=1.0) as stream:
        stream.send(pcm(1.0).tobytes())
        assert "Anomaly" in json.loads(stream.recv(10))


def flood(stream: ClientConnection) -> int:
    """Send messages of two bytes; return how many were sent before the stream was closed."""
    for number in range(1_000_000):
        try:
            stream.send(b"\0\0")
        except ConnectionClosed:
            return number
    return 1_000_000


def test_flood_of_small_messages_ends_and_the_service_answers_meanwhile(
    fan_bundle: Path,
) -> None:
    """The largest window, nearly filled, and then messages of two bytes."""
    with serving(fan_bundle) as running:
        with open_stream(running.url, rate=111_000, window=300) as stream:
            block = bytes(1 << 20)
            for _ in range(62):
                stream.send(block)
            assert requests.get(f"{running.url}/v2/health/live", timeout=5).ok
            assert flood(stream) < 1_000_000
        assert requests.get(f"{running.url}/v2/health/live", timeout=5).ok
        with open_stream(running.url, window=1.0) as stream:
            stream.send(pcm(1.0).tobytes())
            assert "Anomaly" in json.loads(stream.recv(10))
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(20)


def test_flood_of_empty_fragments_ends_the_stream(service: str) -> None:
    with open_stream(service) as stream, pytest.raises(ConnectionClosed):
        stream.send(b"" for _ in range(1_000_000))


def test_signal_ends_a_service_with_open_streams(fan_bundle: Path) -> None:
    with serving(fan_bundle) as running, open_stream(running.url) as stream:
        stream.send(pcm(0.5).tobytes())
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(20)


def test_windows_of_all_streams_fill_a_limited_memory(
    start: Callable[..., str], fan_bundle: Path
) -> None:
    url = start(fan_bundle, max_bytes_held=8 * RATE, max_bytes=1000)
    with open_stream(url, window=1.0), open_stream(url, window=1.0):
        with pytest.raises(InvalidStatus) as refused:
            open_stream(url, window=0.05)
        assert refused.value.response.status_code == 429
    with pytest.raises(InvalidStatus) as refused:
        open_stream(url, window=2.1)
    assert refused.value.response.status_code == 422
