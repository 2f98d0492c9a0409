"""The folder of a run: its state, its lock, and what an older run left in it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stethoscope.errors import ParameterError
from stethoscope.files import write_json
from stethoscope.kubeflow.folder import RunFolder, new_folder

ROOT = Path(__file__).parents[2]


def names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


def test_runs_that_begin_in_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: new_folder(tmp_path / "runs", "main"), range(40)))
    assert len(set(folders)) == 40
    assert set(folders) == set((tmp_path / "runs").iterdir())


def test_only_one_run_works_in_a_folder(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from stethoscope.kubeflow.folder import RunFolder
folder = RunFolder(Path(sys.argv[1]))
with folder.locked():
    folder.note(state="running")
    print("locked", flush=True)
    sys.stdin.read()
"""
    folder = RunFolder(tmp_path)
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == "locked\n"
    assert folder.state() == "running"
    with pytest.raises(ParameterError, match="another run works in this folder"), folder.locked():
        pass
    other.kill()
    other.communicate()
    assert folder.state() == "stopped"
    with folder.locked():
        folder.note(state="finished")
    assert folder.state() == "finished"


def results(folder: Path, *files: str) -> Path:
    made = folder / "work" / "results"
    made.mkdir(parents=True)
    for name in files:
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text(name)
    return made


def test_a_reused_folder_holds_no_file_of_the_older_run_and_keeps_others(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".report.html.1.tmp").touch()
    folder.publish(results(tmp_path, "old.csv", "bundle/a"), {"a": 1})
    folder.clear()
    assert names(tmp_path) == {"notes.txt"}
    folder.publish(results(tmp_path, "new.csv"), {"a": 2})
    assert names(tmp_path) == {"notes.txt", "new.csv", "run.json", "summary.json", "work"}


def test_files_of_a_run_that_noted_none_are_known_by_name(tmp_path: Path) -> None:
    for name in ("summary.json", "run.log", "scores.csv", "notes.txt"):
        (tmp_path / name).touch()
    RunFolder(tmp_path).clear(["scores.csv", "score_*.csv"])
    assert names(tmp_path) == {"notes.txt"}


def test_results_that_were_being_moved_are_deleted_too(tmp_path: Path) -> None:
    """The names are noted before the first file is moved, the summary is written after the last."""
    folder = RunFolder(tmp_path)
    made = results(tmp_path, "a.csv", "b.csv")
    with pytest.raises(ValueError, match="not JSON"):
        folder.publish(made, {"a": float("nan")})
    assert {"a.csv", "b.csv"} <= names(tmp_path)
    assert not (tmp_path / "summary.json").exists()
    folder.clear()
    assert names(tmp_path) == set()


def test_a_folder_with_a_damaged_note_is_not_that_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    assert RunFolder(tmp_path).state() is None
    write_json(tmp_path / "run.json", {"state": "failed"})
    assert RunFolder(tmp_path).state() == "failed"


def test_path_that_is_no_text_is_refused() -> None:
    with pytest.raises(ParameterError, match="holds bytes that are no text; choose another"):
        RunFolder(Path("a\udcff"))
