import re
from pathlib import Path
from typing import Any

import pytest
import requests

from stethoscope.serve import service as serving_service
from tests.serve.helpers import Start, noise, post, wait, wav


def test_internal_error_reveals_nothing_but_is_logged(
    start: Start,
    fan_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"secret in {fan_bundle}")

    monkeypatch.setattr(serving_service, "judge", fails)
    answer = post(start(fan_bundle), wav(noise()))
    assert answer.status_code == 500
    assert answer.json()["Reason"] == "internal"
    assert "secret" not in answer.text
    assert str(fan_bundle) not in answer.text
    wait(lambda: "secret" in caplog.text)


def test_key_is_required_except_for_public_paths(start: Start, fan_bundle: Path) -> None:
    url = start(fan_bundle, api_key="s3cret")
    content = wav(noise())
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "s3cret"},
        {"authorization": "Basic s3cret"},
    ):
        refused = post(url, content, headers=headers)
        assert (refused.status_code, refused.json()["Reason"]) == (401, "unauthorized")
    assert post(url, content, headers={"authorization": "Bearer s3cret"}).status_code == 200
    for path in ("/metrics", "/v2/models/x", "/v2"):
        assert requests.get(url + path, timeout=5).status_code == 401
    for path in ("/", "/page/page.js", "/docs", "/openapi.json", "/v2/health/ready"):
        assert requests.get(url + path, timeout=5).status_code == 200


def test_answers_have_security_headers_and_a_request_id(service: str) -> None:
    for path in ("/", "/docs", "/nowhere", "/metrics"):
        headers = requests.get(service + path, timeout=5).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
        assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert (
        requests.get(service, headers={"x-request-id": "job-7"}, timeout=5).headers["x-request-id"]
        == "job-7"
    )
    assert (
        requests.get(service, headers={"x-request-id": 'a"b'}, timeout=5).headers["x-request-id"]
        != 'a"b'
    )
