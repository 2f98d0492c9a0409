"""Processes that end with the process that started them."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]

CHILD = "import sys, time; print(*sys.argv[1:], flush=True); time.sleep(600)"
PARENT = """
import subprocess, sys
from stethoscope import processes
{patch}
subprocess.run(processes.bound_command("waiting", "a", "b"), **{options})
"""


@pytest.mark.parametrize(
    ("patch", "options"),
    [
        ("", {}),
        # As on a system that cannot send the signal: there a thread looks who the parent is.
        ("import os; os.environ['PYTHONPATH'] = sys.argv[1]", {"process_group": 0}),
    ],
    ids=["signal", "thread"],
)
def test_a_bound_process_ends_when_its_parent_is_killed(
    tmp_path: Path, patch: str, options: dict[str, int]
) -> None:
    (tmp_path / "waiting.py").write_text(CHILD)
    other = f"import sys; sys.platform = 'other'; sys.path.append({str(ROOT)!r})"
    (tmp_path / "sitecustomize.py").write_text(other if patch else "")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(patch=patch, options=options), str(tmp_path)],
        env={"PYTHONPATH": f"{ROOT}:{'' if patch else tmp_path}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "a b\n"
    [child] = psutil.Process(parent.pid).children()
    parent.kill()
    parent.communicate()  # it ends when the child has closed its standard output too
    child.wait(60)


def test_a_bound_process_ends_at_once_if_its_parent_has_ended() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    command = [sys.executable, "-m", "stethoscope.processes", str(ended.pid), "this"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-9, "")
