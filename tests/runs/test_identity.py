"""What identifies code and recordings."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stethoscope.runs.identity import code_identity, files_identity

ROOT = Path(__file__).parents[2]


def test_files_are_identified_by_path_size_and_date(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for name in ("a.zip", "set/1.wav"):
        (tmp_path / name).write_text("old")
    values = {
        "dataset_url": f"{tmp_path / 'a.zip'},{tmp_path / 'set'}",
        "seed": 1,
        "machines": [{"dataset_url": "dcase2020/fan"}],
    }
    seen = [files_identity(values)]
    assert files_identity(values) == seen[0]
    for change in (
        lambda: (tmp_path / "a.zip").write_text("longer"),
        lambda: os.utime(tmp_path / "set" / "1.wav", (1, 1)),
        lambda: (tmp_path / "set" / "2.wav").touch(),
        lambda: (tmp_path / "a.zip").unlink(),
    ):
        change()
        seen.append(files_identity(values))
    assert len(set(seen)) == 5
    nested = {"machines": [{"dataset_url": str(tmp_path / "set")}]}
    assert files_identity(nested) != files_identity({})


@pytest.mark.parametrize("change", ["", "edit", "add"])
def test_a_change_of_the_package_changes_the_identity_of_the_code(
    tmp_path: Path, change: str
) -> None:
    skipped = shutil.ignore_patterns("__pycache__")
    package = shutil.copytree(ROOT / "stethoscope", tmp_path / "stethoscope", ignore=skipped)
    if change == "edit":
        with (package / "files.py").open("a") as file:
            file.write("\n")
    if change == "add":
        (package / "more.py").touch()
    program = "from stethoscope.runs.identity import code_identity; print(code_identity())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stdout.strip() == code_identity()) == (change == "")
