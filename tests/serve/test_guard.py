import re
from pathlib import Path

import requests

from tests.serve.helpers import Start, noise, post, wav


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


def test_second_key_opens_the_metrics_only(start: Start, fan_bundle: Path) -> None:
    url = start(fan_bundle, api_key="s3cret", metrics_key="watch")
    for key, metrics, server in (("watch", 200, 401), ("s3cret", 200, 200), ("", 401, 401)):
        headers = {"authorization": f"Bearer {key}"}
        assert requests.get(f"{url}/metrics", headers=headers, timeout=5).status_code == metrics
        assert requests.get(f"{url}/v2", headers=headers, timeout=5).status_code == server
