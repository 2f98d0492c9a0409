import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.serve.helpers import noise, post, wav


def test_any_rate_channel_count_and_format_is_judged(service: str, fan_bundle: Path) -> None:
    assert post(service, wav(noise(1.0, 384_000), 384_000)).status_code == 200
    assert post(service, wav(noise(1.0, channels=32))).status_code == 200
    assert post(service, wav(noise()[:, 0], kind="FLAC")).status_code == 200


def bomb() -> bytes:
    """Return 290 s of silence on eight channels: a few kilobytes of FLAC."""
    return wav(np.zeros((16_000 * 290, 8)), kind="FLAC")


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 422, "unusable_recording"),
        (b"no sound at all", 422, "unusable_recording"),
        (wav(noise())[:30], 422, "unusable_recording"),
        (wav(np.array([0.0, np.nan] * 8000), subtype="FLOAT"), 422, "unusable_recording"),
        (wav(1e30 * noise(), subtype="FLOAT"), 422, "too_large"),
        (wav(np.zeros(16_000)), 422, "silent"),
        (wav(np.full(16_000, 0.1)), 422, "constant"),
        (wav(np.array([0.1])), 422, "unusable_recording"),
        (wav(np.zeros(1000), 100), 422, "unusable_recording"),
        (wav(np.zeros(0)), 422, "unusable_recording"),
        (wav(np.zeros(16_000 * 301), subtype="PCM_U8"), 413, "too_long"),
        (bomb(), 413, "too_long"),
        (bytes(33 << 20), 413, "too_large"),
        (b"PK\x03\x04" + bytes(1000), 422, "unusable_recording"),
    ],
    ids=[
        "empty",
        "text",
        "cut",
        "NaN",
        "huge",
        "silent",
        "constant",
        "one-sample",
        "100 Hz",
        "no-samples",
        "long",
        "bomb",
        "large",
        "zip",
    ],
)
def test_unusable_recording_is_refused_with_a_reason(
    service: str, content: bytes, status: int, reason: str
) -> None:
    answer = post(service, content)
    assert (answer.status_code, answer.json()["Reason"]) == (status, reason)
    assert answer.json()["Error"]
    assert answer.json()["RequestId"] == answer.headers["x-request-id"]


def test_truncated_recording_is_judged_or_refused(service: str) -> None:
    content = wav(noise(2.0))
    assert post(service, content[: len(content) // 2]).status_code in (200, 422)


@pytest.mark.skipif(
    not shutil.which("ffmpeg") and not os.environ.get("CI"), reason="ffmpeg is not installed"
)
def test_recording_of_a_phone_is_judged_with_a_warning(
    service: str, recordings: list[Path], tmp_path: Path
) -> None:
    command = ["ffmpeg", "-loglevel", "error", "-i", str(recordings[0]), "-c:a", "aac"]
    subprocess.run([*command, str(tmp_path / "clip.m4a")], check=True)
    answer = post(service, (tmp_path / "clip.m4a").read_bytes(), "clip_id_00_1.m4a")
    assert answer.status_code == 200, answer.text
    assert "lossy" in [one["Reason"] for one in answer.json()["Details"]["Warnings"]]
