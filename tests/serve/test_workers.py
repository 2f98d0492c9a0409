import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import requests
import soundfile

from stethoscope.serve import app
from stethoscope.serve.processes import Worker
from tests.serve.helpers import RATE, Start, metric, noise, post, wait, wav


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """While it is not set, recordings wait on their way to a worker."""
    opened = threading.Event()

    async def held(self: Worker, job: Any, content: Any) -> Any:
        while not opened.is_set():
            await asyncio.sleep(0.01)
        return await judge(self, job, content)

    judge = Worker.judge
    monkeypatch.setattr(Worker, "judge", held)
    yield opened
    opened.set()


def worker_processes() -> list[psutil.Process]:
    """Return the workers of the services that this process runs."""
    servers = [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE
        and "stethoscope.serve.forkserver" in child.cmdline()
    ]
    return [worker for server in servers for worker in server.children()]


def has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_requests_beyond_the_places_are_refused_and_the_others_answered(
    start: Start, fan_bundle: Path, gate: threading.Event
) -> None:
    url = start(fan_bundle, places=2)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(post(url, wav(noise())).status_code))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    wait(lambda: metric(url, "stethoscope_places_taken") == 2)
    refused = post(url, wav(noise()))
    assert (refused.status_code, refused.json()["Reason"]) == (429, "queue_full")
    assert refused.headers["retry-after"]
    gate.set()
    for thread in threads:
        thread.join()
    assert answers == [200, 200]
    assert post(url, wav(noise())).status_code == 200


def test_request_that_waits_too_long_is_refused(
    start: Start, fan_bundle: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "processors", lambda: 1)
    url = start(fan_bundle, wait_seconds=0.2)
    busy = [threading.Thread(target=post, args=(url, wav(noise()))) for _ in range(2)]
    for thread in busy:
        thread.start()
    wait(lambda: metric(url, "stethoscope_places_taken") == 2)
    late = post(url, wav(noise()))
    assert (late.status_code, late.json()["Reason"]) == (503, "overloaded")
    gate.set()
    for thread in busy:
        thread.join()
    assert post(url, wav(noise())).status_code == 200


def test_requests_that_hold_too_many_bytes_together_are_refused(
    start: Start, fan_bundle: Path, gate: threading.Event
) -> None:
    url = start(fan_bundle, max_bytes_held=50_000)
    first = threading.Thread(target=post, args=(url, wav(noise())))
    first.start()
    wait(lambda: metric(url, "stethoscope_places_taken") == 1)
    refused = post(url, wav(noise()))
    assert (refused.status_code, refused.json()["Reason"]) == (429, "memory_full")
    gate.set()
    first.join()
    assert post(url, wav(noise())).status_code == 200


def test_ended_worker_costs_one_answer_and_is_replaced(
    start: Start, fan_bundle: Path, gate: threading.Event
) -> None:
    url = start(fan_bundle)
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(post(url, wav(noise()))))
    first.start()
    wait(lambda: metric(url, "stethoscope_places_taken") == 1)
    for worker in worker_processes():
        worker.kill()
    gate.set()
    first.join()
    assert (answers[0].status_code, answers[0].json()["Reason"]) == (503, "worker_ended")
    assert post(url, wav(noise())).status_code == 200


def test_idle_worker_that_ended_is_replaced_unnoticed(start: Start, fan_bundle: Path) -> None:
    url = start(fan_bundle)
    for worker in worker_processes():
        worker.kill()
        wait(lambda worker=worker: has_ended(worker))
    assert post(url, wav(noise())).status_code == 200


def test_ended_fork_server_is_replaced_unnoticed(start: Start, fan_bundle: Path) -> None:
    url = start(fan_bundle)
    for worker in worker_processes():
        server = worker.parent()
        server.kill()
        worker.kill()
        server.wait(10)
        wait(lambda worker=worker: has_ended(worker))
    assert post(url, wav(noise())).status_code == 200


def test_work_of_a_client_that_leaves_ends(
    start: Start, fan_bundle: Path, gate: threading.Event
) -> None:
    url = start(fan_bundle)
    content = wav(noise())
    head = (
        "POST /inference HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    host, port = url.removeprefix("http://").split(":")
    (before,) = worker_processes()
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(head.encode() + content)
        wait(lambda: metric(url, "stethoscope_places_taken") == 1)
    wait(lambda: metric(url, "stethoscope_places_taken") == 0)
    wait(lambda: not before.is_running())
    gate.set()
    assert post(url, content).status_code == 200


def test_recording_that_takes_too_long_is_refused_and_its_worker_ended(
    start: Start, fan_bundle: Path, gate: threading.Event
) -> None:
    url = start(fan_bundle, work_seconds=1)
    (before,) = worker_processes()
    late = post(url, wav(noise()))
    assert (late.status_code, late.json()["Reason"]) == (422, "too_slow_to_judge")
    wait(lambda: not before.is_running())


def test_request_is_answered_before_its_deadline(
    start: Start, fan_bundle: Path, gate: threading.Event
) -> None:
    late = post(start(fan_bundle, request_seconds=1.5), wav(noise()))
    assert (late.status_code, late.json()["Reason"]) == (503, "overloaded")


def test_batch_may_cost_a_limited_number_of_samples(start: Start, fan_bundle: Path) -> None:
    url = start(fan_bundle, max_request_samples=40_000)
    files = [("file", (f"{number}.wav", wav(noise()))) for number in range(3)]
    results = requests.post(f"{url}/inference/batch", files=files, timeout=20).json()["Results"]
    assert ["Anomaly" in result for result in results] == [True, False, False]
    assert results[1]["Reason"] == results[2]["Reason"] == "too_expensive"


def test_large_recording_is_judged_as_predict_does(
    start: Start,
    fan_bundle: Path,
    predicted: Callable[..., Any],
    tmp_path: Path,
) -> None:
    samples = np.tile(noise(100.0), (3, 1))
    soundfile.write(tmp_path / "long.wav", samples, RATE)
    answer = post(start(fan_bundle), (tmp_path / "long.wav").read_bytes(), "long.wav")
    assert [answer.json()] == predicted(tmp_path / "long.wav")


def test_memory_is_limited() -> None:
    code = (
        "from stethoscope.serve.memory import limit_growth\n"
        "limit_growth(64 << 20)\n"
        "kept = bytearray(32 << 20)\n"
        "try: bytearray(64 << 20)\n"
        "except MemoryError: print('refused')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "refused\n"
