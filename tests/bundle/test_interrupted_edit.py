"""Edits of a bundle that are killed: it is as before or as after, never refused."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.edit import add_files, name_faults, set_thresholds, sign_bundle

_CHANGING = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}
_MOST_POINTS = 60


def killed_at(point: int, work: Callable[[], object]) -> bool:
    """Do work in a child that is killed before its n-th change of the file system, from 1 on.

    Returns
    -------
    bool
        Whether it was killed; else the work ended before that.
    """
    child = os.fork()
    if not child:
        _kill_at(point)
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert status == 0 or os.WTERMSIG(status) == signal.SIGKILL
    return status != 0


def _kill_at(point: int) -> None:
    count = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        writes = event == "open" and int(str(arguments[2])) & (os.O_WRONLY | os.O_RDWR)
        if writes or event in _CHANGING:
            count += 1
            if count == point:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _label(folder: Path) -> None:
    name_faults(Bundle.open(folder), {1: "clogging"}, {1: "Component is clogged"})


def _threshold(folder: Path) -> None:
    bundle = Bundle.open(folder)
    set_thresholds(bundle, bundle.thresholds.with_false_alarm_rate(0.3))


def _sign(folder: Path) -> None:
    sign_bundle(folder, lambda _message: bytes(64))


def _add(folder: Path) -> None:
    source = folder.parent / "second"
    source.mkdir(exist_ok=True)
    (source / "b.txt").write_text("second")
    add_files(folder, source, "c")


@pytest.mark.parametrize("edit", [_label, _threshold, _sign, _add])
def test_a_bundle_whose_edit_is_killed_anywhere_is_as_before_or_as_after(
    edit: Callable[[Path], None], diagnosing_copy: Path, tmp_path: Path
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    (first / "a.txt").write_text("first")
    add_files(diagnosing_copy, first, "c")
    before = Bundle.open(diagnosing_copy).manifest
    done = Path(shutil.copytree(diagnosing_copy, tmp_path / "done"))
    edit(done)
    after = Bundle.open(done).manifest
    assert after["files"].keys() == before["files"].keys() or edit is _add
    without = {name: known for name, known in before["files"].items() if name != "c/a.txt"}
    allowed = [before, after]
    if edit is _add:  # between these the folder is no part of the bundle
        allowed.append({**before, "files": without})
    for point in range(1, _MOST_POINTS):
        folder = Path(shutil.copytree(diagnosing_copy, tmp_path / f"{point}" / "bundle"))
        killed = killed_at(point, lambda folder=folder: edit(folder))
        assert Bundle.open(folder).manifest in allowed
        if not killed:
            break
    assert point > 2
    assert not killed
    assert Bundle.open(folder).manifest == after
    edit(folder)  # what an interrupted edit left behind does not disturb the next one
    assert Bundle.open(folder).manifest == after
