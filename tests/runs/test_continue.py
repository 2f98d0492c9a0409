"""The main pipeline, killed in each of its steps and continued."""

import filecmp
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stethoscope.cli import main
from stethoscope.kubeflow import schedule
from tests.faults.harness import undated

ROOT = Path(__file__).parents[2]
SMALL = "simulated/fan?ids=1&train_clips=6&test_normal=3&test_anomaly=3&seconds=1"

KILLER = """
import os, signal, sys
folder = os.environ.get("KILLED_IN", "")
if folder and "stethoscope.kubeflow.step" in sys.orig_argv:
    awaited = os.environ["KILLED_AT"]
    def hook(event, arguments):
        if event == "open" and arguments[1] and set(str(arguments[1])) & set("wax+"):
            path = str(arguments[0])
            if f"/work/steps/{folder}/" in path and awaited in path:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
"""
"""Kills the process of a step when it opens one of its own outputs to write it."""


def results(folder: Path) -> set[str]:
    """Names of the results, without what holds dates and durations."""
    names = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
    return names - {"run.json", "run.log", "summary.json"}


def figures(folder: Path) -> dict[str, Any]:
    summary = json.loads((folder / "summary.json").read_text())
    return {key: value for key, value in summary.items() if key not in ("finished", "seconds")} | {
        "steps": list(summary["steps"])
    }


@pytest.mark.slow
def test_a_run_that_is_killed_in_every_step_gives_the_results_of_one_that_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "processors", lambda: 1)  # a step beside would be finished first
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    parameters = ["--dataset-url", SMALL, "-p", "fault_groups=0"]
    assert main(["run", *parameters, "--output", str(alone)]) == 0
    steps = list(json.loads((alone / "summary.json").read_text())["steps"])
    assert len(steps) == 13

    (tmp_path / "sitecustomize.py").write_text(KILLER)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    again = ["run", *parameters, "--output", str(killed)]
    for number, step in enumerate(steps):
        monkeypatch.setenv("KILLED_IN", step)
        # As it begins to write, or when all is written except the note that it is done.
        monkeypatch.setenv("KILLED_AT", "" if number % 2 else "executor_output")
        assert main(again) == 1, step
        again = ["run", "--resume", str(killed)]
    monkeypatch.delenv("KILLED_IN")
    assert main(again) == 0

    executed = Counter(re.findall(r"Executing task .*?'(.+?)'", (killed / "run.log").read_text()))
    assert executed == dict.fromkeys(steps, 2)
    assert results(killed) == results(alone)
    different = filecmp.cmpfiles(alone, killed, results(alone), shallow=False)[1]
    assert set(different) <= {"report.html"}  # which names the minute
    assert undated(killed / "report.html") == undated(alone / "report.html")
    assert figures(killed) == figures(alone)
