"""Processes that end when the process that started them ends, however that happens.

``python -m stethoscope.processes PARENT MODULE ARGUMENT...`` runs a module as ``python -m`` does,
as long as the process PARENT lives.
"""

import ctypes
import os
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import cache

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_SECONDS_BETWEEN_LOOKS = 0.5


def bound_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of Python as long as this process lives."""
    return [sys.executable, "-m", "stethoscope.processes", str(os.getpid()), module, *arguments]


def bound_program(*command: str) -> list[str]:
    """Return a command that runs a program as long as the thread that starts it lives.

    That needs Linux and ``setpriv`` of util-linux. Elsewhere the command is returned as it is.
    """
    return [*_setpriv(), *command]


@cache
def _setpriv() -> tuple[str, ...]:
    """Return the beginning of a command that is ended with its parent; empty if there is none."""
    program = shutil.which("setpriv")
    if program is None:
        return ()
    begin = (program, "--pdeathsig", "KILL")
    tried = subprocess.run((*begin, "true"), capture_output=True, check=False)  # noqa: S603
    return () if tried.returncode else begin  # that of BusyBox has no such option


def end_with(parent: int) -> None:
    """Let this process end, by SIGKILL, when its parent ends.

    Linux sends the signal. Elsewhere a thread looks twice a second whether the parent is another
    one, and then ends all processes of this process's group if it leads one.

    Parameters
    ----------
    parent : int
        Process id of the parent, which may have ended already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
    else:
        threading.Thread(target=watch, args=(parent,), daemon=True).start()


def watch(parent: int) -> None:
    """Wait until the parent has another process id than `parent`, and end this process."""
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: Sequence[str]) -> None:
    """Run a module with its arguments, as long as the parent lives."""
    parent, module, *rest = arguments
    end_with(int(parent))
    sys.argv[1:] = rest
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
