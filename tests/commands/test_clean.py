"""The command that deletes what runs have left."""

import os
import time
from pathlib import Path

import pytest

from stethoscope.cli import main
from stethoscope.kubeflow.folder import RunFolder

DAY = 24 * 3600


def run_folder(path: Path, *, days: float = 0.0, **note: object) -> Path:
    """The folder of a run with 3 MB of outputs, one of them with a link elsewhere."""
    steps = path / "work" / "steps"
    steps.mkdir(parents=True)
    (steps / "features").write_bytes(bytes(2_000_000))
    (steps / "model").write_bytes(bytes(1_000_000))
    (path / "run.log").touch()
    (path / "scores.csv").touch()
    if note:
        RunFolder(path).note(**note)
    for file in path.glob("run.*"):
        os.utime(file, (time.time() - days * DAY,) * 2)
    return path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    runs = tmp_path / "runs"
    run_folder(runs / "failed", state="failed", days=3)
    run_folder(runs / "killed", state="running", days=2)
    run_folder(runs / "kept", state="finished", keep=True)
    run_folder(runs / "older", days=9)  # of a version that noted no state
    run_folder(runs / "sweep" / "items" / "fan-1", state="failed", days=1)
    (runs / "failed" / ".report.html.x.tmp").touch()
    (runs / "elsewhere").hardlink_to(runs / "failed" / "work" / "steps" / "model")
    return runs


def test_leftovers_are_listed_with_state_age_and_size(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(runs.rglob("*"))
    assert main(["clean", "--dry-run", str(runs)]) == 0
    _, *rows, total = capsys.readouterr().out.splitlines()
    assert [row.removeprefix(f"{runs}/").split() for row in rows] == [
        ["older", "stopped", "9.0", "3.0"],
        ["failed", "failed", "3.0", "2.0"],
        ["killed", "stopped", "2.0", "3.0"],
        ["sweep/items/fan-1", "failed", "1.0", "3.0"],
    ]
    assert total.startswith("11.0 MB would be deleted.")
    assert sorted(runs.rglob("*")) == before


def test_only_work_of_stopped_runs_is_deleted(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clean", str(runs)]) == 0
    assert capsys.readouterr().out.endswith("11.0 MB deleted.\n")
    assert [one.relative_to(runs).as_posix() for one in runs.rglob("work")] == ["kept/work"]
    assert len(list(runs.rglob("scores.csv"))) == 5
    assert not list(runs.rglob("*.tmp"))
    assert main(["clean", str(runs)]) == 0
    assert capsys.readouterr().out == "Nothing to delete.\n"


def test_newer_leftovers_and_runs_that_go_on_are_left(runs: Path) -> None:
    with RunFolder(runs / "older").locked():
        assert main(["clean", "--older-than", "2.5", str(runs)]) == 0
    left = {one.relative_to(runs).as_posix() for one in runs.rglob("work")}
    assert left == {"killed/work", "kept/work", "older/work", "sweep/items/fan-1/work"}


def test_a_place_that_is_no_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clean", str(tmp_path / "absent")]) == 2
    assert "absent: is not a folder; name one that holds runs" in capsys.readouterr().err
