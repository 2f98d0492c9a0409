from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from benchmarks.service_load import load
from tests.serve.helpers import serving


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
def test_hostile_requests_change_no_other_answer_and_lose_no_memory(
    fan_bundle: Path, long_clips: list[Path]
) -> None:
    with serving(fan_bundle) as running:
        process = psutil.Process(running.process.pid)
        outcome = load(
            int(running.url.rpartition(":")[2]), long_clips, seconds=4, clients=8, process=process
        )
    assert outcome.faults == []
    assert outcome.good[200] >= 50
    assert {kind for kind, _ in outcome.hostile} >= {"bomb", "large", "slow", "NaN", "wrong field"}
    assert outcome.growth <= 0.2, f"{outcome.memory_before:,} bytes, then {outcome.memory_after:,}"
