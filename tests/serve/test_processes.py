"""The process that answers requests loads no decoder and no runtime of networks."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.serve.helpers import noise, post, serving, wav

_RISKY = ("numpy", "soundfile", "soxr", "ai_edge_litert")


def test_process_of_the_service_loads_nothing_that_reads_recordings_or_networks() -> None:
    code = (
        "import sys; import stethoscope.serve.server; "
        f"print(*(name for name in {_RISKY!r} if name in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def test_workers_do_not_get_the_keys(fan_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STETHOSCOPE_API_KEY", "s3cret")
    with serving(fan_bundle) as running:
        service = psutil.Process(running.process.pid)
        assert "s3cret" in service.environ().values()
        processes = service.children(recursive=True)
        assert len(processes) >= 2
        for process in processes:
            assert "s3cret" not in process.environ().values()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_a_worker_keeps_the_memory_of_a_clip_for_the_next_one(fan_bundle: Path) -> None:
    """Memory that the system gives comes page by page, each by a fault."""
    clip = wav(noise(10.0))

    def faults() -> int:
        fields = Path(f"/proc/{worker.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
        return int(fields.split()[7])

    with serving(fan_bundle) as running:
        for _ in range(5):
            assert post(running.url, clip).status_code == 200
        (worker,) = psutil.Process(running.process.pid).children()[0].children()
        before = faults()
        for _ in range(10):
            assert post(running.url, clip).status_code == 200
        per_clip = (faults() - before) / 10
    assert per_clip * os.sysconf("SC_PAGE_SIZE") < len(clip)


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="needs Linux and root")
def test_process_that_forbids_inspection_belongs_to_root() -> None:
    """The kernel lets nobody but the owner of these files read the environment and the memory."""
    code = (
        "import ctypes, os\n"
        "from stethoscope.serve.memory import forbid_inspection\n"
        "os.setuid(65534)\n"
        "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"
        "print(os.stat('/proc/self/environ').st_uid)\n"
        "forbid_inspection()\n"
        "print(os.stat('/proc/self/environ').st_uid)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["65534", "0"]
