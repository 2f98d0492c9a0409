import json
from pathlib import Path

import requests

from tests.serve.helpers import noise, post, serving, wav


def test_logs_are_lines_of_json_with_the_request_id(fan_bundle: Path) -> None:
    with serving(fan_bundle) as running:
        post(running.url, wav(noise()), headers={"x-request-id": "job-8"})
        requests.get(f"{running.url}/v2/health/live", timeout=5)
        log = running.stop()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    (request,) = [line for line in lines if line["event"] == "request"]
    assert request["request_id"] == "job-8"
    assert (request["method"], request["path"], request["status"]) == ("POST", "/inference", 200)
    (verdict,) = [line for line in lines if line["event"] == "verdict"]
    assert verdict["request_id"] == "job-8"
