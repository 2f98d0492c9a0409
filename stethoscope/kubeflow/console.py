"""What a local run shows: a line per step on the terminal, and everything in the log."""

import contextlib
import io
import re
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from stethoscope.kubeflow.step import FAILED

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_STARTED = re.compile(r"Executing task '(?P<task>[^']+)'")
_ENDED = re.compile(r"Task '(?P<task>[^']+)' finished with status (?P<status>\w+)")
_WARNING = re.compile(r"warning: (?P<text>.+)")
_FAILED = re.compile(rf"{FAILED}(?P<text>.+)")
_ITEM = re.compile(r"(?P<item>[\w.=+-]+) \| (?P<text>.*)")
_PROGRESS = re.compile(r"(?P<text>[\w ]+ \d+/\d+.*)")


def plain(text: str) -> str:
    """Return a text without the codes that colour it on a terminal."""
    return _ANSI.sub("", text)


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
    warnings : list of str
        Its warnings.
    finished : dict
        Name, seconds and warnings of the step before it.
    """

    step: str = ""
    item: str = ""
    began: float = 0.0
    line: str = ""
    warnings: list[str] = field(default_factory=list)
    finished: dict[str, Any] = field(default_factory=dict)


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
    taken : int
        How many steps were finished by an earlier attempt.
    log_error : OSError or None
        Why the log is not complete, if it is not.
    """

    def __init__(self, log: TextIO, terminal: TextIO, steps: int) -> None:
        self.seconds: dict[str, float] = {}
        self.warnings: list[str] = []
        self.failure = ""
        self.taken = 0
        self.log_error: OSError | None = None
        self._log = log
        self._terminal = terminal
        self._steps = steps
        self._running: dict[int, _Running] = {}  # steps run in parallel threads
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
                self._read(plain(line).strip(), running)
            self._write_log(lines)
        return len(text)

    def _write_log(self, lines: Sequence[str]) -> None:
        """Log lines as long as the disk takes them: a run does not fail for want of its log."""
        if lines and self.log_error is None:
            try:
                self._log.write("".join(f"{line}\n" for line in lines))
                self._log.flush()
            except OSError as error:
                self.log_error = error

    def _read(self, line: str, running: "_Running") -> None:
        if found := _STARTED.search(line):
            running.step, running.item, running.began = found["task"], "", time.monotonic()
            running.warnings = []
            self._show(self._head(running))
        elif found := _ENDED.search(line):
            self._end(running, succeeded=found["status"] == "SUCCESS")
        elif found := _ITEM.fullmatch(line):
            running.item = found["item"]
            self._show(f"{self._head(running)} {found['text']}")
        elif found := _WARNING.fullmatch(line):
            running.warnings.append(found["text"])
            self._warn(found["text"])
        elif found := _FAILED.fullmatch(line):
            self.failure = found["text"]
        elif running.step and (found := _PROGRESS.fullmatch(line)):
            self._show(
                f"{self._head(running)} {time.monotonic() - running.began:7.1f} s  {found['text']}"
            )

    def end_step(self, *, succeeded: bool) -> None:
        """Show that the step of this thread has ended, before the runner logs it."""
        with self._lock:
            running = self._running.setdefault(threading.get_ident(), _Running())
            self._end(running, succeeded=succeeded)

    def _end(self, running: "_Running", *, succeeded: bool) -> None:
        if not running.step:
            return
        seconds = time.monotonic() - running.began
        name = f"{running.step} {running.item}".strip()
        self.seconds[name] = seconds
        running.finished = {"name": name, "seconds": seconds, "warnings": running.warnings}
        outcome = "" if succeeded else "  failed"
        self._show(f"{self._head(running)} {seconds:7.1f} s{outcome}", last=True)
        running.step = ""

    def last_step(self) -> dict[str, Any]:
        """Return name, seconds and warnings of the step that this thread has finished last."""
        with self._lock:
            return self._running.setdefault(threading.get_ident(), _Running()).finished

    def show_again(self, step: Mapping[str, Any]) -> None:
        """Show a step that an earlier attempt has finished, by what `last_step` returned then."""
        with self._lock:
            self.taken += 1
            self.seconds[step["name"]] = step["seconds"]
            for text in step["warnings"]:
                self._warn(text)
            name, _, item = step["name"].partition(" ")
            head = self._head(_Running(name, item))
            self._show(f"{head} {step['seconds']:7.1f} s  finished before", last=True)

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def _head(self, running: "_Running") -> str:
        done = {name.partition(" ")[0] for name in self.seconds}
        number = len(done | {running.step})
        place = f"{min(number, self._steps):>{len(str(self._steps))}}/{self._steps}"
        return f"[{place}] {running.item or running.step:<18}"

    def _show(self, text: str, *, last: bool = False) -> None:
        """Show a line; on a terminal it stays in place until the step has ended.

        A run goes on when the lines cannot be written, as when the program that reads them ended.
        """
        with contextlib.suppress(OSError):
            if self._terminal.isatty():
                # A line that the terminal folds could not be overwritten.
                shown = text if last else text[: shutil.get_terminal_size().columns - 1]
                self._terminal.write("\r" + shown.ljust(self._shown) + ("\n" if last else ""))
                self._shown = 0 if last else len(shown)
            elif last:
                self._terminal.write(text + "\n")
            self._terminal.flush()
