import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serve.helpers import serving


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_that_the_service_is_ready_works_and_stops(
    fan_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0" + name if abstract else name)
        channel.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}" if abstract else name)
        monkeypatch.setenv("WATCHDOG_USEC", "100000")
        with serving(fan_bundle) as running:
            assert channel.recv(100) == b"READY=1"
            assert [channel.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
            running.process.terminate()
            states = []
            while b"STOPPING=1" not in states:
                states.append(channel.recv(100))


def test_service_without_systemd_starts(
    start: Callable[..., str], fan_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    assert start(fan_bundle)
    assert "NOTIFY_SOCKET" not in os.environ
