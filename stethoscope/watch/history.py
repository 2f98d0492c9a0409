"""The history of a watch, in SQLite: every recording with its verdict, alarms, and messages.

A recording, the change of alarm that follows from it and the messages about that are written in one
transaction, which is on the disk when it returns. After a crash, a power cut or ``kill -9`` a
recording is therefore either in the history with everything that follows from it, or it is judged
again.
"""

import json
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from stethoscope.errors import DatasetError

VERSION = 1
"""Version of the tables."""

State = Literal["judged", "refused", "failed"]

Key = tuple[str, int, int]
"""What identifies a recording: its path in the folder, its size, when it was changed (ns)."""

_APPLICATION = 0x53544554  # "STET", so that no other SQLite file is taken for a history
_TABLES = """
create table recordings (
  id integer primary key,
  path text not null,
  size integer not null,
  modified_ns integer not null,
  recorded_at real not null,
  judged_at real not null,
  machine text not null,
  state text not null,
  anomaly integer,
  score real,
  threshold real,
  message text not null,
  details text not null,
  model text not null,
  unique (path, size, modified_ns)
) strict;
create index recordings_by_machine
  on recordings (machine, recorded_at, state, score, threshold, anomaly);
create index recordings_by_time on recordings (recorded_at);
create index recordings_unusable on recordings (recorded_at) where state <> 'judged';
create table alarms (
  id integer primary key,
  machine text not null,
  raised_at real not null,
  raised_by integer not null,
  cleared_at real,
  cleared_by integer
) strict;
create table messages (
  id integer primary key,
  target text not null,
  body text not null,
  created_at real not null,
  attempts integer not null default 0,
  next_attempt_at real not null,
  delivered_at real,
  error text not null default ''
) strict;
create table attempts (
  path text not null,
  size integer not null,
  modified_ns integer not null,
  count integer not null,
  primary key (path, size, modified_ns)
) strict;
create table properties (name text primary key, value text not null) strict;
"""

_INSERT = """
insert or ignore into recordings
values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A recording and what was found.

    Attributes
    ----------
    key : Key
    recorded_at, judged_at : float
        In seconds since 1970.
    machine : str
        Key of the machine, ``fan/00``.
    state : {"judged", "refused", "failed"}
        ``refused``: the sound is no basis for a verdict; ``failed``: it cannot be read.
    anomaly : bool or None
        None unless it was judged.
    score, threshold : float or None
    message : str
        The verdict's message, or why there is none.
    details : dict
        The rest of the verdict, as JSON values.
    model : str
        Name of the bundle.
    """

    key: Key
    recorded_at: float
    judged_at: float
    machine: str
    state: State
    anomaly: bool | None = None
    score: float | None = None
    threshold: float | None = None
    message: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    model: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of a machine; `cleared_at` is None while it lasts."""

    number: int
    machine: str
    raised_at: float
    cleared_at: float | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message that has not been delivered yet."""

    number: int
    target: str
    body: dict[str, Any]
    attempts: int


class History:
    """A history in a file, which is created if it does not exist.

    Use one object per thread.

    Parameters
    ----------
    path : path
    read_only : bool
        Open an existing history for reading, while a watch writes to it.

    Raises
    ------
    DatasetError
        If the file is no history, or one of a later version.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self.path = Path(path)
        if read_only and not self.path.is_file():
            raise DatasetError(f"{path}: no such history; `stethoscope watch` makes one")
        mode = "?mode=ro" if read_only else ""
        try:
            self._db = sqlite3.connect(
                f"{self.path.absolute().as_uri()}{mode}",
                uri=True,
                timeout=30.0,
                isolation_level=None,
            )
            if not read_only:
                self._prepare()
            self._check()
        except sqlite3.DatabaseError as error:
            if _is_full(error):
                raise
            raise DatasetError(
                f"{path}: cannot be used as a history ({error}); give another file"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _prepare(self) -> None:
        if not self._value("select count(*) from sqlite_master"):
            self._db.execute("pragma auto_vacuum = incremental")
            with self._transaction():
                for statement in filter(str.strip, _TABLES.split(";\n")):
                    self._db.execute(statement)
                self._db.execute(f"pragma application_id = {_APPLICATION}")
                self._db.execute(f"pragma user_version = {VERSION}")
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")

    def _check(self) -> None:
        if self._value("pragma application_id") != _APPLICATION:
            raise DatasetError(f"{self.path}: is not a history of recordings; give another file")
        version = self._value("pragma user_version")
        if version != VERSION:
            raise DatasetError(
                f"{self.path}: has version {version} of the tables, this program reads {VERSION};"
                " install the program that wrote it"
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def _value(self, query: str, *values: object) -> Any:
        row = self._db.execute(query, values).fetchone()
        return row[0] if row else None

    # What is written

    def add(
        self,
        entry: Entry,
        *,
        alarm: bool | None = None,
        messages: Iterable[tuple[str, dict[str, Any]]] = (),
    ) -> int | None:
        """Write a recording with everything that follows from it, all or nothing.

        Parameters
        ----------
        entry : Entry
        alarm : bool or None
            True raises an alarm of the machine, False clears it, None changes nothing.
        messages : iterable of (str, dict)
            Target and body of each message to send.

        Returns
        -------
        int or None
            Number of the recording; None if it is in the history already.
        """
        with self._transaction():
            written = self._db.execute(
                _INSERT,
                (
                    *entry.key,
                    entry.recorded_at,
                    entry.judged_at,
                    entry.machine,
                    entry.state,
                    None if entry.anomaly is None else int(entry.anomaly),
                    entry.score,
                    entry.threshold,
                    entry.message,
                    json.dumps(entry.details, ensure_ascii=False, allow_nan=False),
                    entry.model,
                ),
            )
            if not written.rowcount:
                return None
            number = int(written.lastrowid or 0)
            self._db.execute(
                "delete from attempts where path = ? and size = ? and modified_ns = ?", entry.key
            )
            if alarm is True:
                self._db.execute(
                    "insert into alarms (machine, raised_at, raised_by) values (?, ?, ?)",
                    (entry.machine, entry.recorded_at, number),
                )
            elif alarm is False:
                self._db.execute(
                    "update alarms set cleared_at = ?, cleared_by = ?"
                    " where machine = ? and cleared_at is null",
                    (entry.recorded_at, number, entry.machine),
                )
            self._db.executemany(
                "insert into messages (target, body, created_at, next_attempt_at)"
                " values (?, ?, ?, ?)",
                [
                    (target, json.dumps(body, ensure_ascii=False), entry.judged_at, entry.judged_at)
                    for target, body in messages
                ],
            )
        return number

    def begin(self, key: Key) -> int:
        """Note that a recording is about to be judged, and return how often that was begun."""
        with self._transaction():
            self._db.execute(
                "insert into attempts values (?, ?, ?, 1)"
                " on conflict do update set count = count + 1",
                key,
            )
        return int(
            self._value(
                "select count from attempts where (path, size, modified_ns) = (?, ?, ?)", *key
            )
        )

    def delivered(self, number: int, *, error: str = "", retry_at: float = 0.0) -> None:
        """Note that a message was delivered, or why it was not and when to try again."""
        with self._transaction():
            if error:
                self._db.execute(
                    "update messages set attempts = attempts + 1, next_attempt_at = ?, error = ?"
                    " where id = ?",
                    (retry_at, error, number),
                )
            else:
                self._db.execute(
                    "update messages set attempts = attempts + 1, delivered_at = ?, error = ''"
                    " where id = ?",
                    (time.time(), number),
                )

    def set_property(self, name: str, value: str) -> None:
        """Store a text under a name."""
        with self._transaction():
            self._db.execute("insert or replace into properties values (?, ?)", (name, value))

    def prune(self, *, before: float = 0.0, max_bytes: int = 0) -> int:
        """Delete what is old, and return the number of recordings that were deleted.

        Parameters
        ----------
        before : float
            Delete recordings, cleared alarms and delivered messages from before this time, in
            seconds since 1970.
        max_bytes : int
            Delete the oldest tenth of the recordings while the file is larger; 0 for no bound.
        """
        deleted = self._delete_before(before) if before else 0
        while max_bytes and self._bytes() > max_bytes:
            rows = int(self._value("select count(*) from recordings"))
            if not rows:
                break
            bound = self._value(
                "select recorded_at from recordings order by recorded_at limit 1 offset ?",
                rows // 10,
            )
            deleted += self._delete_before(float(bound) + 1e-6)
        return deleted

    def _delete_before(self, before: float) -> int:
        with self._transaction():
            rows = self._db.execute("delete from recordings where recorded_at < ?", (before,))
            self._db.execute("delete from alarms where cleared_at < ?", (before,))
            self._db.execute("delete from messages where delivered_at < ?", (before,))
            if rows.rowcount:
                self._db.execute(
                    "insert or replace into properties values ('horizon', ?)", (repr(before),)
                )
        self._db.execute("pragma incremental_vacuum").fetchall()
        return rows.rowcount

    def _bytes(self) -> int:
        return int(self._value("pragma page_count")) * int(self._value("pragma page_size"))

    # What is read

    @property
    def horizon(self) -> float:
        """Recordings from before this time were deleted, in seconds since 1970; 0 if none were."""
        return float(self.property("horizon") or 0.0)

    def property(self, name: str) -> str:
        """Return the text stored under a name; "" if there is none."""
        return str(self._value("select value from properties where name = ?", name) or "")

    def keys(self) -> Iterator[Key]:
        """Yield the keys of all recordings."""
        yield from self._db.execute("select path, size, modified_ns from recordings")

    def decisions(self, machine: str, count: int) -> list[bool]:
        """Return the last decisions about a machine, the last one last."""
        rows = self._db.execute(
            "select anomaly from recordings where machine = ? and state = 'judged'"
            " order by id desc limit ?",
            (machine, count),
        ).fetchall()
        return [bool(anomaly) for (anomaly,) in reversed(rows)]

    def alarm_is_active(self, machine: str) -> bool:
        """Return whether a machine has an alarm that is not cleared."""
        return bool(
            self._value(
                "select count(*) from alarms where machine = ? and cleared_at is null", machine
            )
        )

    def alarms(self, *, limit: int = 100) -> list[Alarm]:
        """Return the last alarms, the newest first, and every one that lasts."""
        rows = self._db.execute(
            "select id, machine, raised_at, cleared_at from alarms where cleared_at is null"
            " or id in (select id from alarms order by raised_at desc limit ?)"
            " order by raised_at desc",
            (limit,),
        )
        return [Alarm(*row) for row in rows]

    def due(self, now: float, *, longest_delay: float = math.inf) -> list[Message]:
        """Return the messages that are to be sent by now, the oldest first.

        One that would wait for more than the longest delay was written before the clock was set
        back, and is due as well. Times are in seconds.
        """
        rows = self._db.execute(
            "select id, target, body, attempts from messages"
            " where delivered_at is null and next_attempt_at not between ? and ?"
            " order by id limit 100",
            (math.nextafter(now, math.inf), now + longest_delay),
        ).fetchall()
        return [Message(number, target, json.loads(body), n) for number, target, body, n in rows]

    def undelivered(self) -> list[tuple[str, int, str]]:
        """Return target, number and last error of the messages that were not delivered."""
        return self._db.execute(
            "select target, count(*), max(error) from messages where delivered_at is null"
            " group by target"
        ).fetchall()

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self._db.execute(query, values).fetchall()


def _is_full(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "") in ("SQLITE_FULL", "SQLITE_IOERR_WRITE")
