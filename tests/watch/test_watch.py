import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.watch.alarms import AlarmRule
from stethoscope.watch.folder import WatchedFolder
from stethoscope.watch.history import History
from stethoscope.watch.watch import MOST_ATTEMPTS, Retention, Watch
from tests.watch.conftest import judged


class Named:
    name = "target"

    def send(self, body: Any) -> None:
        raise AssertionError(body)


def put(folder: Path, clips: dict[str, bytes], *kinds: str) -> list[str]:
    """Write clips into a folder, in this order of kinds, and return their names."""
    folder.mkdir(exist_ok=True)
    names = [name for kind in kinds for name in sorted(clips) if name.startswith(kind)]
    for number, name in enumerate(names):
        path = folder / f"{number:02d}_{name}"
        path.write_bytes(clips[name])
        os.utime(path, (0, 1_770_000_000 + 600 * number))
    return [f"{number:02d}_{name}" for number, name in enumerate(names)]


def judge(bundle: Path, folder: Path, history: History, **options: Any) -> None:
    watch = Watch(
        Inference(Bundle.open(bundle)), history, rule=AlarmRule(2, 3), targets=[Named()], **options
    )
    watched = WatchedFolder(folder, history.keys(), settle_seconds=0.0)
    watch.folder(watched, threading.Event(), interval=0.01, once=True)


def test_every_recording_gets_the_verdict_of_predict_once_and_in_order(
    quick_bundle: Path, fan_clips: dict[str, bytes], history: History, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    names = put(folder, fan_clips, "test_normal", "test_anomaly")
    (folder / "bad.wav").write_text("no sound")
    soundfile.write(folder / "silent.wav", np.zeros(16_000), 16_000)
    judge(quick_bundle, folder, history)
    judge(quick_bundle, folder, history)
    rows = history.rows("select path, machine, anomaly, score, message from recordings order by id")
    assert [row[0] for row in rows] == [*names, "bad.wav", "silent.wav"]
    assert history.rows("select state from recordings order by id desc limit 2") == [
        ("refused",),
        ("failed",),
    ]
    inference = Inference(Bundle.open(quick_bundle))
    for path, machine, anomaly, score, message in rows[:-2]:
        verdict = inference.verdict(folder / path)
        assert (machine, bool(anomaly), score) == (verdict.machine, verdict.anomaly, verdict.score)
        assert message == verdict.message
    assert [row[2:4] for row in rows[-2:]] == [(None, None), (None, None)]
    assert "bad.wav: not a readable recording" in rows[-2][4]
    assert "silent.wav: is digital silence" in rows[-1][4]


def test_alarm_is_raised_and_cleared_with_a_message_each(
    quick_bundle: Path,
    fan_clips: dict[str, bytes],
    history: History,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = fan_clips["test_normal_id_00_00000000.wav"]
    decisions = [False, True, True, False, False, False]
    put(tmp_path / "in", {f"x{number}_id_00_.wav": clip for number in range(6)}, "x")
    real = Inference.verdict

    def verdict(self: Inference, source: Any, **options: Any) -> Any:
        from dataclasses import replace

        number = int(Path(str(source)).name[:2])
        return replace(real(self, source, **options), anomaly=decisions[number])

    monkeypatch.setattr(Inference, "verdict", verdict)
    judge(quick_bundle, tmp_path / "in", history)
    (alarm,) = history.alarms()
    assert (alarm.raised_at, alarm.cleared_at) == (1_770_001_200.0, 1_770_003_000.0)
    bodies = [message.body for message in history.due(time.time())]
    assert [(body["event"], body["recording"][:2]) for body in bodies] == [
        ("raised", "02"),
        ("cleared", "05"),
    ]
    assert bodies[0]["text"] == "fan/00: 2 of the last 3 recordings are anomalous"


def test_full_disk_loses_nothing(
    quick_bundle: Path,
    fan_clips: dict[str, bytes],
    history: History,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = put(tmp_path / "in", fan_clips, "test_normal")
    monkeypatch.setattr("stethoscope.watch.watch._RETRY_SECONDS", 0.01)
    real, failures = history.add, [2 * MOST_ATTEMPTS]

    def add(*arguments: Any, **options: Any) -> Any:
        if failures[0]:
            failures[0] -= 1
            raise sqlite3.OperationalError("database or disk is full")
        return real(*arguments, **options)

    monkeypatch.setattr(history, "add", add)
    judge(quick_bundle, tmp_path / "in", history)
    rows = history.rows("select path, state from recordings order by id")
    assert rows == [(name, "judged") for name in names]
    assert capsys.readouterr().err.count("database or disk is full; free space") == 1


def test_recording_at_which_the_program_ends_is_given_up(
    quick_bundle: Path, fan_clips: dict[str, bytes], history: History, tmp_path: Path
) -> None:
    (name,) = put(tmp_path / "in", {"one.wav": fan_clips["test_normal_id_00_00000000.wav"]}, "one")
    status = (tmp_path / "in" / name).stat()
    for _ in range(MOST_ATTEMPTS):
        history.begin((name, status.st_size, status.st_mtime_ns))
    judge(quick_bundle, tmp_path / "in", history)
    ((state, message),) = history.rows("select state, message from recordings")
    assert state == "failed"
    assert message == "the program ended 3 times while judging it; check the file"


def test_recordings_from_before_the_retention_are_not_judged(
    quick_bundle: Path, fan_clips: dict[str, bytes], history: History, tmp_path: Path
) -> None:
    put(tmp_path / "in", fan_clips, "test_normal")
    judge(quick_bundle, tmp_path / "in", history, retention=Retention(days=1.0))
    assert list(history.keys()) == []


def test_recordings_are_judged_after_the_clock_was_set_back(
    quick_bundle: Path, fan_clips: dict[str, bytes], history: History, tmp_path: Path
) -> None:
    history.add(judged(1, anomaly=False))
    history.prune(before=time.time() + 1e8)
    put(tmp_path / "in", fan_clips, "test_normal_id_00_00000000")
    judge(quick_bundle, tmp_path / "in", history)
    assert len(list(history.keys())) == 1


def test_watch_that_is_killed_judges_nothing_twice(
    quick_bundle: Path, fan_clips: dict[str, bytes], tmp_path: Path
) -> None:
    """Also a fresh process, as a person runs it; it is stopped by SIGTERM at the end."""
    names = put(tmp_path / "in", fan_clips, "train", "test")
    command = [sys.executable, "-m", "stethoscope", "watch", str(quick_bundle)]
    command += [str(tmp_path / "in"), "--settle", "0", "--interval", "0.05"]
    for kill_after in (2, 9):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(kill_after):
                process.stdout.readline()
            process.kill()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(names[-1]):
                process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    with History(tmp_path / "in-history.sqlite", read_only=True) as history:
        rows = history.rows("select path from recordings order by id")
    assert [path for (path,) in rows] == names
