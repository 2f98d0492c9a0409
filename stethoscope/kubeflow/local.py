"""Run a compiled pipeline on this computer, one process per step, by KFP's own local runner."""

import builtins
import contextlib
import io
import logging
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import yaml

from stethoscope.errors import StethoscopeError
from stethoscope.files import cache_folder
from stethoscope.kubeflow.compiled import read_spec, tasks_of

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_STARTED = re.compile(r"Executing task '(?P<task>[^']+)'")
_ENDED = re.compile(r"Task '(?P<task>[^']+)' finished with status (?P<status>\w+)")
_WARNING = re.compile(r"warning: (?P<text>.+)")
_ERROR = re.compile(r"stethoscope\.errors\.\w+: (?P<text>.+)")
_FATAL = re.compile(r"(?P<text>\w+(?:\.\w+)*(?:Error|Exception|Interrupt)\b.*)")
_ITEM = re.compile(r"(?P<item>[\w.=+-]+) \| (?P<text>.*)")
_PROGRESS = re.compile(r"(?P<text>[\w ]+ \d+/\d+.*)")


class RunError(StethoscopeError):
    """A step of a local run failed."""


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A finished run.

    Attributes
    ----------
    outputs : dict of str to Path
        Where each output of the pipeline lies that is an artifact.
    seconds : dict of str to float
        Duration of each step, and of each item of a loop.
    warnings : list of str
        Warnings of all steps, each once.
    """

    outputs: dict[str, Path]
    seconds: dict[str, float]
    warnings: list[str]


def run_locally(
    compiled: str | os.PathLike[str],
    arguments: Mapping[str, Any],
    *,
    work: Path,
    log: Path,
    terminal: TextIO | None = None,
) -> LocalRun:
    """Run a compiled pipeline and show a line per step.

    Parameters
    ----------
    compiled : path
        The pipeline, YAML.
    arguments : mapping
        Values of its parameters, of the right types.
    work : Path
        Folder for the outputs of the steps.
    log : Path
        File for everything that the steps and the runner print.
    terminal : text file, optional
        Where the lines are shown; standard output by default.

    Returns
    -------
    LocalRun

    Raises
    ------
    RunError
        If a step fails. It has the message of the step.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("STETHOSCOPE_CACHE", str(cache_folder()))
    from kfp import local
    from kfp.components import load_component_from_text

    pipeline = load_component_from_text(_without_retries(Path(compiled)))
    local.init(
        runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(work), raise_on_error=True
    )
    steps = len(pipeline.pipeline_spec.root.dag.tasks)
    with (
        log.open("w", encoding="utf-8") as file,
        Console(file, terminal or sys.stdout, steps) as console,
    ):
        try:
            with _captured_by(console):
                outputs = dict(pipeline(**arguments).outputs)
        except RuntimeError as error:
            reason = console.failure or _ANSI.sub("", str(error))
            raise RunError(f"{reason} (everything the steps printed is in {log})") from error
    artifacts = {name: Path(one.path) for name, one in outputs.items() if hasattr(one, "path")}
    return LocalRun(artifacts, console.seconds, console.warnings)


@contextlib.contextmanager
def _captured_by(console: "Console") -> Iterator[None]:
    """Send everything that the runner prints and logs to the console."""
    with (
        contextlib.redirect_stdout(console),
        _logging_to(console),
        _print_restored(),
        warnings.catch_warnings(),
    ):
        # Settings for a cluster, such as display names and resources, have no effect here. The
        # runner warns of that for every step.
        warnings.filterwarnings(
            "ignore",
            message=r"Task '.+': settings \[.+\] have no effect in the current local runner",
        )
        yield


@contextlib.contextmanager
def _logging_to(stream: "Console") -> Iterator[None]:
    """Send what the runner logs to `stream` alone, without the handlers of the root logger."""
    root = logging.getLogger()
    others, level = root.handlers[:], root.level
    root.handlers[:] = [logging.StreamHandler(stream)]
    try:
        yield
    finally:
        root.handlers[:] = others
        root.setLevel(level)


@contextlib.contextmanager
def _print_restored() -> Iterator[None]:
    """Restore `print` at the end.

    The runner replaces it for every task. When tasks of a loop do not end in the order in which
    they started, it is left replaced.
    """
    original = builtins.print
    try:
        yield
    finally:
        builtins.print = original


def _without_retries(compiled: Path) -> str:
    """Return the pipeline without its retries: here a second attempt would fail as the first."""
    spec = read_spec(compiled)
    for task in tasks_of(spec):
        task.pop("retryPolicy", None)
    return yaml.safe_dump(spec)


@dataclass
class _Running:
    """A step that is running.

    Attributes
    ----------
    step, item : str
        Name of the step, and of the item of a loop that it works on.
    began : float
        When it began, in seconds.
    line : str
        What it has printed since the last line break.
    """

    step: str = ""
    item: str = ""
    began: float = 0.0
    line: str = ""


class Console(io.TextIOBase):
    """A text stream for the output of the runner, which logs it and shows a line per step.

    Parameters
    ----------
    log : text file
        Gets every line.
    terminal : text file
        Gets a line per step. If it is a terminal, it also shows the progress of a step.
    steps : int
        Number of steps of the pipeline.

    Attributes
    ----------
    seconds : dict of str to float
        Duration of each finished step, and of each item of a loop.
    warnings : list of str
        Warnings of the steps, each once.
    failure : str
        Why a step failed; empty as long as none has failed.
    """

    def __init__(self, log: TextIO, terminal: TextIO, steps: int) -> None:
        self.seconds: dict[str, float] = {}
        self.warnings: list[str] = []
        self.failure = ""
        self._log = log
        self._terminal = terminal
        self._steps = steps
        self._running: dict[int, _Running] = {}  # items of a loop run in parallel threads
        self._lock = threading.Lock()
        self._shown = 0

    def __exit__(self, *error: object) -> None:
        for running in self._running.values():
            if running.step:
                self._show(f"{self._head(running)} stopped", last=True)

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Take what was printed, line by line."""
        with self._lock:
            running = self._running.setdefault(threading.get_ident(), _Running())
            *lines, running.line = (running.line + text).split("\n")
            for line in lines:
                self._log.write(f"{line}\n")
                self._read(_ANSI.sub("", line).strip(), running)
            if lines:
                self._log.flush()
        return len(text)

    def _read(self, line: str, running: "_Running") -> None:
        if found := _STARTED.search(line):
            running.step, running.item, running.began = found["task"], "", time.monotonic()
            self._show(self._head(running))
        elif found := _ENDED.search(line):
            seconds = time.monotonic() - running.began
            self.seconds[f"{running.step} {running.item}".strip()] = seconds
            outcome = "" if found["status"] == "SUCCESS" else "  failed"
            self._show(f"{self._head(running)} {seconds:7.1f} s{outcome}", last=True)
            running.step = ""
        elif found := _ITEM.fullmatch(line):
            running.item = found["item"]
            self._show(f"{self._head(running)} {found['text']}")
        elif found := _WARNING.fullmatch(line):
            if found["text"] not in self.warnings:
                self.warnings.append(found["text"])
        elif found := _ERROR.fullmatch(line):
            self.failure = found["text"]
        elif found := _FATAL.fullmatch(line):
            self.failure = self.failure or found["text"]
        elif running.step and (found := _PROGRESS.fullmatch(line)):
            self._show(
                f"{self._head(running)} {time.monotonic() - running.began:7.1f} s  {found['text']}"
            )

    def _head(self, running: "_Running") -> str:
        done = {name.partition(" ")[0] for name in self.seconds}
        number = len(done | {running.step})
        return f"[{min(number, self._steps)}/{self._steps}] {running.item or running.step:<18}"

    def _show(self, text: str, *, last: bool = False) -> None:
        """Show a line; on a terminal it stays in place until the step has ended."""
        if self._terminal.isatty():
            self._terminal.write("\r" + text[:110].ljust(self._shown) + ("\n" if last else ""))
            self._shown = 0 if last else len(text[:110])
        elif last:
            self._terminal.write(text + "\n")
        self._terminal.flush()
