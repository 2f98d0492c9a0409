"""What steps of test pipelines call, so that they can be counted and killed."""

import os
import signal
from pathlib import Path


def called(step: str, calls: str, point: str) -> None:
    """Note that a step has begun, and kill it at the point that KILLED_AT names."""
    if point == "begin":
        with Path(calls).open("a") as file:
            file.write(f"{step}\n")
    if os.environ.get("KILLED_AT") == f"{step} {point}":
        os.kill(os.getpid(), signal.SIGKILL)
