"""The loop of a watch: find, judge, write down, raise alarms."""

import sqlite3
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from stethoscope.bundle.inference import Inference
from stethoscope.errors import UNUSABLE, AudioError, DatasetError
from stethoscope.machines import format_machine
from stethoscope.progress import warn
from stethoscope.watch.alarms import AlarmRule
from stethoscope.watch.folder import NewRecording, WatchedFolder
from stethoscope.watch.history import Entry, History
from stethoscope.watch.targets import Target

T = TypeVar("T")

MOST_ATTEMPTS = 3
"""A recording at which the program ended so often is not judged again."""

_MOST_LOOKING = 10  # a look at a large folder takes at most this fraction of the time
_PRUNE_EVERY = 3600.0
_RETRY_SECONDS = 5.0

Observer = Callable[[Entry, bool | None], None]
"""Is called with each entry and the change of alarm that it made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long the history is kept: `days`, and at most `max_bytes`; 0 for no bound."""

    days: float = 0.0
    max_bytes: int = 0


class Watch:
    """Judges recordings one after the other and writes them to a history.

    Parameters
    ----------
    inference : Inference
    history : History
    rule : AlarmRule
    targets : sequence of Target
        Get a message for each alarm that is raised or cleared.
    machine_id : str
        As for :meth:`stethoscope.bundle.inference.Inference.verdict`.
    retention : Retention
    observe : callable, optional
    """

    def __init__(
        self,
        inference: Inference,
        history: History,
        *,
        rule: AlarmRule,
        targets: Sequence[Target] = (),
        machine_id: str = "",
        retention: Retention = Retention(),  # it cannot be changed
        observe: Observer | None = None,
    ) -> None:
        self._inference = inference
        self._history = history
        self._rule = rule
        self._targets = [target.name for target in targets]
        self._machine_id = machine_id
        self._retention = retention
        self._observe = observe
        self._decisions: dict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=rule.of))
        self._pruned_at = 0.0

    def folder(
        self, folder: WatchedFolder, stopped: threading.Event, *, interval: float, once: bool
    ) -> None:
        """Judge the recordings of a folder, and new ones until stopped.

        Parameters
        ----------
        folder : WatchedFolder
        stopped : threading.Event
            Ends the watch after the recording that is being judged.
        interval : float
            Time between two looks into the folder, in seconds.
        once : bool
            Return when all recordings that are there are judged.

        Raises
        ------
        DatasetError
            If the folder cannot be read at the start, or `once`.
        """
        found = False
        while not stopped.is_set():
            started = time.monotonic()
            try:
                new = folder.complete(after=self._horizon())
            except DatasetError as error:
                if not found or once:
                    raise
                warn(f"{error}; it is looked for again")
                stopped.wait(_RETRY_SECONDS)
                continue
            found = True
            seconds = time.monotonic() - started
            for recording in new:
                if self._judge_file(recording, stopped):
                    folder.done(recording)
            self._prune()
            if once and not new and not folder.pending:
                return
            stopped.wait(max(interval, _MOST_LOOKING * seconds))

    def recording(
        self, content: bytes, recording: NewRecording, stopped: threading.Event
    ) -> Entry | None:
        """Judge one recording that is not a file; None if it is stopped before that is written."""
        entry = self._entry(content, recording)
        written = self._until_written(stopped, partial(self._write, entry))
        self._prune()
        return entry if written is not None else None

    def _horizon(self) -> float:
        """Return the time from which on recordings are kept, in seconds since 1970.

        A horizon in the future was written before the clock was set back: with it, no recording
        would be judged.
        """
        now, days = time.time(), self._retention.days
        before = self._history.horizon
        return max(before if before <= now else 0.0, now - 86_400.0 * days if days else 0.0)

    def _judge_file(self, recording: NewRecording, stopped: threading.Event) -> bool:
        """Judge a file and write it down; False if it is stopped before that is written."""
        attempts = self._until_written(stopped, partial(self._history.begin, recording.key))
        if attempts is None:
            return False
        if attempts > MOST_ATTEMPTS:
            entry = replace(
                self._blank(recording),
                state="failed",
                message=f"the program ended {attempts - 1} times while judging it; check the file",
            )
        else:
            entry = self._entry(recording.path, recording)
        return self._until_written(stopped, partial(self._write, entry)) is not None

    def _blank(self, recording: NewRecording) -> Entry:
        return Entry(
            key=recording.key,
            recorded_at=recording.recorded_at,
            judged_at=time.time(),
            machine="",
            state="failed",
            model=self._inference.bundle.name,
        )

    def _entry(self, source: Path | bytes, recording: NewRecording) -> Entry:
        blank = self._blank(recording)
        try:
            verdict = self._inference.verdict(
                source, machine_id=self._machine_id, name=recording.key[0]
            )
        except AudioError as error:
            return replace(
                blank,
                state="failed" if error.reason == UNUSABLE else "refused",
                machine=self._machine(recording),
                message=str(error),
            )
        details = verdict.to_json()["Details"]
        return replace(
            blank,
            state="judged",
            machine=verdict.machine,
            anomaly=verdict.anomaly,
            score=verdict.score,
            threshold=verdict.threshold,
            message=verdict.message,
            details=details,
        )

    def _machine(self, recording: NewRecording) -> str:
        if not self._inference.bundle.machines:
            return ""
        return self._inference.machine(self._machine_id, recording.key[0])

    def _write(self, entry: Entry) -> bool:
        """Write an entry with what follows from it; return whether it is a new one."""
        change = self._change_of_alarm(entry)
        messages: list[tuple[str, dict[str, Any]]] = []
        if change is not None:
            body = _message(entry, self._rule, raised=change)
            messages = [(target, body) for target in self._targets]
        number = self._history.add(entry, alarm=change, messages=messages)
        if number is None:
            return False
        if entry.state == "judged":
            self._recent(entry.machine).append(bool(entry.anomaly))
        if self._observe:
            self._observe(entry, change)
        return True

    def _recent(self, machine: str) -> deque[bool]:
        if machine not in self._decisions:
            self._decisions[machine].extend(self._history.decisions(machine, self._rule.of))
        return self._decisions[machine]

    def _change_of_alarm(self, entry: Entry) -> bool | None:
        """Return True if an entry raises an alarm, False if it clears one, else None."""
        if entry.state != "judged":
            return None
        active = self._history.alarm_is_active(entry.machine)
        decisions = [*self._recent(entry.machine), bool(entry.anomaly)]
        alarm = self._rule.alarm(decisions, active=active)
        return None if alarm == active else alarm

    def _until_written(self, stopped: threading.Event, write: Callable[[], T]) -> T | None:
        """Repeat a write that the disk or another writer prevents; None if it is stopped."""
        warned = False
        while not stopped.is_set():
            try:
                return write()
            except sqlite3.OperationalError as error:
                if not warned:
                    warn(
                        f"{self._history.path}: {error}; free space on the disk: nothing is lost,"
                        " judging continues when it can be written"
                    )
                    warned = True
                stopped.wait(_RETRY_SECONDS)
        return None

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < _PRUNE_EVERY and self._pruned_at:
            return
        self._pruned_at = time.monotonic()
        try:
            self._history.prune(before=self._horizon(), max_bytes=self._retention.max_bytes)
        except sqlite3.OperationalError as error:
            warn(f"{self._history.path}: {error}; old recordings are deleted later")


def _message(entry: Entry, rule: AlarmRule, *, raised: bool) -> dict[str, Any]:
    """Return the body of the message about an alarm."""
    machine = format_machine(entry.machine)
    text = (
        f"{machine}: {rule.count} of the last {rule.of} recordings are anomalous"
        if raised
        else f"{machine}: the last {rule.of} recordings are normal"
    )
    return {
        "event": "raised" if raised else "cleared",
        "machine": entry.machine,
        "time": entry.recorded_at,
        "text": text,
        "recording": entry.key[0],
        "message": entry.message,
        "score": entry.score,
        "threshold": entry.threshold,
        "model": entry.model,
    }
