from pathlib import Path

import numpy as np
import pytest
import requests

from tests.serve.helpers import Start, metric, post


def test_verdicts_and_drift_are_counted(
    start: Start, fan_bundle: Path, recordings: list[Path]
) -> None:
    url = start(fan_bundle)
    files = [file for file in recordings if "id_00" in file.name]
    probabilities = [
        post(url, file.read_bytes(), file.name).json()["Details"]["Probabilities"][1]
        for file in files
    ]
    assert metric(url, "stethoscope_score_drift", machine="fan/00") == pytest.approx(
        np.mean(probabilities) - 0.5
    )
    counted = sum(
        metric(url, "stethoscope_verdicts_total", machine="fan/00", anomaly=anomaly)
        for anomaly in ("true", "false")
    )
    assert counted == len(probabilities)
    assert metric(url, "stethoscope_requests_total", route="/inference", status="200") == len(
        probabilities
    )
    requests.get(f"{url}/made/up/by/a/scanner", timeout=5)
    assert metric(url, "stethoscope_requests_total", route="unknown", status="404") == 1
