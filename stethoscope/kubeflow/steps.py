"""The processes of a local run's steps."""

import ast
import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Self, TextIO, cast

from stethoscope.files import write_json, write_text
from stethoscope.kubeflow.console import Console
from stethoscope.kubeflow.journal import Journal
from stethoscope.kubeflow.order import Plan
from stethoscope.kubeflow.step import ARGUMENTS, SOURCE
from stethoscope.processes import bound_command
from stethoscope.system import explain, explain_exit, killed_for_memory

LOCAL = "STETHOSCOPE_LOCAL_RUN"
"""Environment variable of the steps of a local run: here they may leave work to be continued."""


_BEHIND = 5
"""Added to the niceness of steps off the longest chain of steps, which the end waits for."""

_PLAIN = 2
"""Where KFP's script stands in the command of a component that installs no packages first."""


class Steps:
    """Executes the steps of a run, each in a process that ends with this one.

    The process of a step of the longest chain is started while the one before it is executed, and
    imports what the step needs; steps off that chain have a lower priority. As a context, this ends
    the processes of all steps when this process is interrupted or terminated.

    Parameters
    ----------
    console : Console
        Prints why a step failed.
    journal : Journal
        Records which step is executed.
    plan : Plan
        Which steps go first.
    """

    def __init__(self, console: Console, journal: Journal, plan: Plan) -> None:
        from kfp.local.subprocess_task_handler import run_local_subprocess

        self._install_and_execute = run_local_subprocess
        self.journal = journal
        self._console = console
        self._plan = plan
        self._processes: set[subprocess.Popen[str]] = set()
        self._early: dict[str, subprocess.Popen[str]] = {}
        self._killed = killed_for_memory()
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
        for process in self._early.values():
            process.communicate()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._stop()
        raise KeyboardInterrupt

    def _stop(self) -> None:
        """End all processes; no further one is started."""
        self._stopped = True
        for process in list(self._processes):
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
        script, source = _source(full_command)
        arguments = full_command[script + 2 :]
        folder = Path(json.loads(arguments[1])["outputs"]["outputFile"]).parent
        self.journal.begin(folder)
        if script > _PLAIN:
            return int(self._install_and_execute(full_command, env_vars))
        write_text(folder / SOURCE, source)
        write_json(folder / ARGUMENTS, {"arguments": arguments})
        failure = self._console.failure
        with self._started(folder.name, source, env_vars) as process:
            _begin(process, folder)
            self._start_early(folder.name)
            for line in process.stdout or ():
                print(line, end="")
            print()
        status = process.returncode
        if status and self._console.failure == failure and not self._stopped:
            ended = explain_exit(status, out_of_memory=killed_for_memory() > self._killed)
            self._console.failure = f"the step {folder.name} {ended}"
        return status

    def _start_early(self, begun: str) -> None:
        """Start the processes of the steps that follow one that has begun."""
        for step in self._plan.started_with.get(begun, ()):
            container = self._plan.containers[step]
            script, source = _source(container["command"])
            environment = {one["name"]: one["value"] for one in container.get("env", ())}
            # If no process can be started now, one is started when the step begins.
            with contextlib.suppress(OSError):
                if script == _PLAIN:
                    self._early[step] = self._start(step, source, environment)

    @contextlib.contextmanager
    def _started(
        self, step: str, source: str, env_vars: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        """Give the process of a step, which does not outlast the block."""
        process = self._early.pop(step, None) or self._start(step, source, env_vars)
        try:
            with process:
                try:
                    yield process
                except BaseException:
                    _kill(process)
                    raise
        finally:
            self._processes.discard(process)

    def _start(self, step: str, source: str, env_vars: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start a process, which imports what the step needs and waits for its folder."""
        process = subprocess.Popen(  # noqa: S603  # our own interpreter, without a shell
            bound_command("stethoscope.kubeflow.step", *_modules(source)),
            env={**os.environ, LOCAL: "true", **env_vars},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            process_group=0,
        )
        self._processes.add(process)
        if self._plan.chain and step not in self._plan.chain:
            niceness = os.getpriority(os.PRIO_PROCESS, 0) + _BEHIND
            os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
        if self._stopped:  # meanwhile
            _kill(process)
        return process


def _source(command: Sequence[str]) -> tuple[int, str]:
    """Return where KFP's script stands in a component's command, and the component's source."""
    script = next(i for i, part in enumerate(command) if "ephemeral_component" in part)
    return script, command[script + 1]


def _modules(source: str) -> list[str]:
    """Return the modules that the source of a component imports from."""
    nodes = ast.walk(ast.parse(source))
    return [one.module for one in nodes if isinstance(one, ast.ImportFrom) and one.module]


def _begin(process: subprocess.Popen[str], folder: Path) -> None:
    """Let the process of a step execute it; if it has ended already, its exit status says why."""
    with contextlib.suppress(BrokenPipeError), cast("TextIO", process.stdin) as given:
        given.write(json.dumps(str(folder)) + "\n")


def _kill(process: subprocess.Popen[str]) -> None:
    """End a process and those that it has started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
