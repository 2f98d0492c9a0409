from pathlib import Path
from typing import Any

import pytest
import requests

from stethoscope.serve.workers import Workers
from tests.serve.helpers import Start, noise, post, wait, wav


def test_bad_parameters_and_addresses_are_refused_as_json(service: str) -> None:
    content = wav(noise())
    for answer, status, reason in (
        (post(service, content, params={"picture": "perhaps"}), 422, "bad_parameter"),
        (post(service, content, params={"machine_id": "0" * 101}), 422, "bad_parameter"),
        (post(service, content, data={"machine_id": "0" * 101}), 422, "bad_parameter"),
        (requests.get(f"{service}/nowhere", timeout=5), 404, "not_found"),
        (requests.get(f"{service}/page/../app.py", timeout=5), 404, "not_found"),
        (requests.get(f"{service}/page/%2e%2e%2fapp.py", timeout=5), 404, "not_found"),
        (requests.get(f"{service}/inference", timeout=5), 405, "method_not_allowed"),
        (requests.get(f"{service}/v2/models/other", timeout=5), 404, "unknown_model"),
    ):
        assert (answer.status_code, answer.json()["Reason"]) == (status, reason)


def test_internal_error_reveals_nothing_but_is_logged(
    start: Start,
    fan_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"secret in {fan_bundle}")

    monkeypatch.setattr(Workers, "judge", fails)
    answer = post(start(fan_bundle), wav(noise()))
    assert answer.status_code == 500
    assert answer.json()["Reason"] == "internal"
    assert "secret" not in answer.text
    assert str(fan_bundle) not in answer.text
    wait(lambda: "secret" in caplog.text)
