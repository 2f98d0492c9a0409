from pathlib import Path

import psutil
import pytest

from benchmarks.service_load import load
from tests.serve.conftest import serving


@pytest.mark.slow
def test_hostile_requests_spoil_nothing_for_the_others(fan_bundle: Path, recordings: list[Path]) -> None:
    with serving(fan_bundle) as running:
        process = psutil.Process(running.process.pid)
        outcome = load(int(running.url.rpartition(":")[2]), recordings, seconds=6, clients=8, process=process)
    assert outcome.faults == []
    assert outcome.good[200] >= 8
    assert sum(outcome.hostile.values()) > 0
    assert outcome.memory_after < 250e6
