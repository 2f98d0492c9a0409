import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from stethoscope.errors import DatasetError
from stethoscope.watch.history import History
from tests.watch.conftest import judged


def test_entry_its_alarm_and_its_messages_are_written_together(history: History) -> None:
    entry = judged(1, anomaly=True)
    assert history.add(entry, alarm=True, messages=[("webhook", {"event": "raised"})]) == 1
    assert history.add(entry, alarm=True, messages=[("webhook", {})]) is None
    assert list(history.keys()) == [entry.key]
    assert [one.cleared_at for one in history.alarms()] == [None]
    assert history.alarm_is_active("fan/00")
    assert not history.alarm_is_active("fan/02")
    (message,) = history.due(entry.judged_at)
    assert (message.target, message.body) == ("webhook", {"event": "raised"})
    history.add(judged(2, anomaly=False), alarm=False)
    assert [one.cleared_at for one in history.alarms()] == [judged(2, anomaly=False).recorded_at]


def test_message_from_before_the_clock_was_set_back_is_due(history: History) -> None:
    entry = judged(1, anomaly=True)
    history.add(entry, messages=[("webhook", {})])
    for earlier, count in ((0.0, 1), (1.0, 0), (3600.0, 0), (3601.0, 1), (1e9, 1)):
        assert len(history.due(entry.judged_at - earlier, longest_delay=3600.0)) == count


def test_error_within_a_transaction_leaves_nothing(history: History) -> None:
    with pytest.raises(TypeError):
        history.add(judged(1, anomaly=True), alarm=True, messages=[("webhook", {"a": object()})])
    assert list(history.keys()) == []
    assert history.alarms() == []


def test_decisions_are_those_of_one_machine_in_order(history: History) -> None:
    for number, anomaly in enumerate([True, False, False, True]):
        history.add(judged(number, anomaly=anomaly))
        history.add(judged(100 + number, anomaly=True, machine="fan/02"))
    assert history.decisions("fan/00", 3) == [False, False, True]


def test_history_survives_the_process_being_killed(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from stethoscope.watch.history import History\n"
        "from tests.watch.conftest import judged\n"
        "history = History(sys.argv[1])\n"
        "history.add(judged(1, anomaly=True), alarm=True)\n"
        "history._db.execute('begin')\n"
        "history._db.execute('delete from recordings')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    path = tmp_path / "history.sqlite"
    assert subprocess.run([sys.executable, "-c", script, str(path)]).returncode == -9
    with History(path) as history:
        assert len(list(history.keys())) == 1
        assert history.alarm_is_active("fan/00")


def test_old_recordings_are_deleted_and_not_judged_again(history: History) -> None:
    for number in range(50):
        history.add(judged(number, anomaly=False))
    before = judged(20, anomaly=False).recorded_at
    assert history.prune(before=before) == 20
    assert history.horizon == before
    assert len(list(history.keys())) == 30


def test_history_is_bounded_in_size(history: History) -> None:
    for number in range(600):
        history.add(judged(number, anomaly=False))
    size = history._bytes()
    assert history.prune(max_bytes=size // 2) >= 200
    assert history._bytes() <= size // 2
    assert history.horizon > 0.0
    assert max(history.keys())[0] == "000599.wav"


def test_other_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite"
    text.write_text("no database, but long enough to be one" * 50)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("create table a (b)")
    database.close()
    for path, message in ((text, "cannot be used as a history"), (other, "is not a history")):
        with pytest.raises(DatasetError, match=message):
            History(path)
    with pytest.raises(DatasetError, match="no such history"):
        History(tmp_path / "absent.sqlite", read_only=True)
    with History(tmp_path / "new.sqlite") as history:
        history._db.execute("pragma user_version = 99")
    with pytest.raises(DatasetError, match="version 99 of the tables, this program reads 1"):
        History(tmp_path / "new.sqlite")
