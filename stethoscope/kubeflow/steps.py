"""The processes of a local run's steps."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Self

from stethoscope.files import write_json, write_text
from stethoscope.kubeflow.console import Console
from stethoscope.kubeflow.journal import Journal
from stethoscope.kubeflow.step import ARGUMENTS, SOURCE
from stethoscope.processes import bound_command
from stethoscope.system import explain, explain_exit, killed_for_memory

LOCAL = "STETHOSCOPE_LOCAL_RUN"
"""Environment variable of the steps of a local run: here they may leave work to be continued."""


_PLAIN = 2
"""Where KFP's script stands in the command of a component that installs no packages first."""


class Steps:
    """Executes the steps of a run, each in a process that ends with this one.

    As a context, it ends the processes of all steps when this process is interrupted or terminated.

    Parameters
    ----------
    console : Console
        Prints why a step failed.
    journal : Journal
        Records which step is executed.
    """

    def __init__(self, console: Console, journal: Journal) -> None:
        from kfp.local.subprocess_task_handler import run_local_subprocess

        self._install_and_execute = run_local_subprocess
        self.journal = journal
        self._console = console
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def __enter__(self) -> Self:
        self._handlers = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._stop()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._stop()
        raise KeyboardInterrupt

    def _stop(self) -> None:
        """End all processes; no further one is started."""
        self._stopped = True
        for process in list(self._running):
            _kill(process)

    def execute(
        self, full_command: Sequence[str], env_vars: Mapping[str, str] | None = None
    ) -> int:
        """Execute a step, print what it prints, and return its exit status.

        KFP calls this.

        Parameters
        ----------
        full_command : sequence of str
            The command that would run in the container of a lightweight component.
        env_vars : mapping, optional
            Environment variables of the step.
        """
        if self._stopped:
            return 1
        try:
            status = self._execute(full_command, env_vars or {})
        except OSError as error:
            self._console.failure = explain(error, folders=[self.journal.work]) or str(error)
            status = 1
        if not self._stopped:
            self._console.end_step(succeeded=status == 0)
        return status

    def _execute(self, full_command: Sequence[str], env_vars: Mapping[str, str]) -> int:
        script = next(i for i, part in enumerate(full_command) if "ephemeral_component" in part)
        source, *arguments = full_command[script + 1 :]
        folder = Path(json.loads(arguments[1])["outputs"]["outputFile"]).parent
        self.journal.begin(folder)
        if script > _PLAIN:
            return int(self._install_and_execute(full_command, env_vars))
        write_text(folder / SOURCE, source)
        write_json(folder / ARGUMENTS, {"arguments": arguments})
        killed, failure = killed_for_memory(), self._console.failure
        with self._started(folder, env_vars) as process:
            for line in process.stdout or ():
                print(line, end="")
            print()
        status = process.returncode
        if status and self._console.failure == failure and not self._stopped:
            ended = explain_exit(status, out_of_memory=killed_for_memory() > killed)
            self._console.failure = f"the step {folder.name} {ended}"
        return status

    @contextlib.contextmanager
    def _started(
        self, folder: Path, env_vars: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        """Start the process of a step, which does not outlast the block."""
        process = subprocess.Popen(  # noqa: S603  # our own interpreter, without a shell
            bound_command("stethoscope.kubeflow.step", str(folder)),
            env={**os.environ, LOCAL: "true", **env_vars},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            process_group=0,
        )
        self._running.add(process)
        try:
            with process:
                try:
                    if self._stopped:  # meanwhile
                        _kill(process)
                    yield process
                except BaseException:
                    _kill(process)
                    raise
        finally:
            self._running.discard(process)


def _kill(process: subprocess.Popen[str]) -> None:
    """End a process and those that it has started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
