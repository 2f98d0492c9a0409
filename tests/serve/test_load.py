import json
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from websockets.exceptions import InvalidStatus

from stethoscope.serve.limits import Limits
from tests.serve.helpers import RATE, serving
from tests.serve.test_stream import open_stream

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
from service_load import LARGEST_STREAM, load
from timing import memory_of


@pytest.fixture
def long_clips(recordings: list[Path], tmp_path: Path) -> list[Path]:
    """Clips of ten seconds: if the service kept them, its memory would grow visibly."""
    clips = []
    for recording in recordings:
        samples, rate = soundfile.read(recording)
        clips.append(tmp_path / recording.name)
        soundfile.write(clips[-1], np.resize(samples, 10 * rate), rate)
    return clips


@pytest.mark.slow
def test_hostile_requests_change_no_other_answer_and_take_bounded_memory(
    fan_bundle: Path, long_clips: list[Path]
) -> None:
    with serving(fan_bundle) as running:
        process = psutil.Process(running.process.pid)
        outcome = load(
            int(running.url.rpartition(":")[2]),
            fan_bundle,
            long_clips,
            seconds=3,
            clients=4,
            process=process,
            batches=2,
        )
    assert outcome.faults == []
    assert outcome.good[200] >= 4 * len(long_clips)
    assert {kind for kind, _ in outcome.hostile} >= {"bomb", "large", "slow", "NaN", "wrong field"}
    assert outcome.memory_most <= 768 << 20
    assert max(outcome.health_seconds) < 20, "the health was always answered"


@pytest.mark.slow
def test_streams_of_the_largest_windows_take_bounded_memory(fan_bundle: Path) -> None:
    limits = Limits()
    seconds = limits.max_stream_bytes / limits.max_streams / (2 * RATE)
    window = bytes(2 * round(seconds * RATE))
    with ExitStack() as stack:
        running = stack.enter_context(serving(fan_bundle))
        streams = [
            stack.enter_context(
                open_stream(running.url, address=address, window=seconds, step=seconds)
            )
            for address, n_streams in (
                ("127.0.0.1", limits.streams_per_client),
                ("127.0.0.2", limits.max_streams - limits.streams_per_client),
            )
            for _ in range(n_streams)
        ]
        with pytest.raises(InvalidStatus):
            open_stream(running.url, window=seconds)
        process = psutil.Process(running.process.pid)
        most = 0
        for start in range(0, len(window), 1 << 18):
            for stream in streams:
                stream.send(window[start : start + (1 << 18)])
        for stream in streams:
            most = max(most, memory_of(process))
            assert json.loads(stream.recv(60))["Window"] == 0
        assert 0 < max(most, memory_of(process)) <= 768 << 20


@pytest.mark.slow
def test_largest_window_is_judged_in_bounded_memory(fan_bundle: Path) -> None:
    with serving(fan_bundle) as running, open_stream(running.url, **LARGEST_STREAM) as stream:
        process = psutil.Process(running.process.pid)
        answers: list[str] = []
        receiving = threading.Thread(target=lambda: answers.append(stream.recv(60)))
        receiving.start()
        for _ in range(64):
            stream.send(bytes(1 << 20))
        most = 0
        while receiving.is_alive():
            most = max(most, memory_of(process))
        assert "Start" in json.loads(answers[0])
        assert 0 < most <= 768 << 20
