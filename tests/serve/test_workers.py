import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stethoscope.serve import app
from stethoscope.serve import service as serving_service
from tests.serve.helpers import Start, metric, noise, post, wait, wav


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """While it is not set, judging waits."""
    opened = threading.Event()

    def held(*args: Any, **kwargs: Any) -> Any:
        assert opened.wait(20)
        return judge(*args, **kwargs)

    judge = serving_service.judge
    monkeypatch.setattr(serving_service, "judge", held)
    yield opened
    opened.set()


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
    first = threading.Thread(target=post, args=(url, wav(noise())))
    first.start()
    wait(lambda: metric(url, "stethoscope_places_taken") == 1)
    late = post(url, wav(noise()))
    assert (late.status_code, late.json()["Reason"]) == (503, "overloaded")
    gate.set()
    first.join()
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
