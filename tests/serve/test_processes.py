"""The process that answers requests loads no decoder and no runtime of networks."""

import subprocess
import sys

_RISKY = ("numpy", "soundfile", "soxr", "ai_edge_litert")


def test_process_of_the_service_loads_nothing_that_reads_recordings_or_networks() -> None:
    code = (
        "import sys; import stethoscope.serve.server; "
        f"print(*(name for name in {_RISKY!r} if name in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
