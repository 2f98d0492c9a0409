"""Which steps of a run are executed at the same time."""

import ast
import builtins
import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from kfp import compiler, dsl

import stethoscope
from stethoscope.kubeflow import schedule
from stethoscope.kubeflow.local import LocalRun, RunError, run_locally
from stethoscope.kubeflow.schedule import run_steps

ROOT = Path(stethoscope.__file__).parent

DIAMOND = {
    "last": frozenset({"left", "right"}),
    "left": frozenset({"first"}),
    "right": frozenset({"first"}),
    "first": frozenset[str](),
    "aside": frozenset({"first"}),
}


def test_independent_steps_run_at_the_same_time() -> None:
    """Each of the two waits for the other; one after the other they would wait for ever."""
    both = threading.Barrier(2, timeout=60)
    order: list[str] = []

    def execute(step: str) -> bool:
        if step in {"left", "right"}:
            both.wait()
        order.append(step)
        return True

    assert run_steps(DIAMOND, execute, at_once=2) == []
    assert order[0] == "first"
    assert set(order) == set(DIAMOND)
    assert order.index("last") > max(order.index("left"), order.index("right"))


def test_one_at_a_time_the_steps_that_others_wait_for_go_first() -> None:
    order: list[str] = []

    def execute(step: str) -> bool:
        order.append(step)
        return True

    assert run_steps(DIAMOND, execute, at_once=1) == []
    assert order == ["first", "left", "right", "aside", "last"]


def test_after_a_failure_no_step_begins_and_running_ones_end() -> None:
    failed = threading.Event()
    ended: list[str] = []

    def execute(step: str) -> bool:
        if step == "right":
            assert failed.wait(60)
        elif step == "left":
            failed.set()
            return False
        ended.append(step)
        return True

    assert run_steps(DIAMOND, execute, at_once=2) == ["left"]
    assert ended == ["first", "right"]


component = dsl.component(base_image="python:3", install_kfp_package=False)


@component
def meet(folder: str, own: str, other: str) -> str:
    """Wait until the other step is there too."""
    import time
    from pathlib import Path

    Path(folder, own).touch()
    for _ in range(600):
        if Path(folder, other).exists():
            return own
        time.sleep(0.1)
    raise TimeoutError(f"{other} did not come")


@component
def refuse_after(folder: str, other: str):
    """Fail as soon as the other step has begun."""
    import time
    from pathlib import Path

    while not Path(folder, other).exists():
        time.sleep(0.05)
    raise ValueError("it cannot work")


@component
def join(one: str, two: str, made: dsl.Output[dsl.Artifact]):
    with open(made.path, "w") as file:
        file.write(f"{one} {two}")


@dsl.pipeline(name="p")
def meeting(folder: str) -> dsl.Artifact:
    left = meet(folder=folder, own="left", other="right")
    right = meet(folder=folder, own="right", other="left")
    return join(one=left.output, two=right.output).outputs["made"]


@dsl.pipeline(name="p")
def failing(folder: str):
    kept = meet(folder=folder, own="left", other="left")
    refused = refuse_after(folder=folder, other="left")
    join(one=kept.output, two="").after(refused)


@component
def wait_for(file: str, then: str) -> str:
    """Wait until a file is written; then fail, kill the process it names or return a word."""
    import os
    import signal
    import time
    from pathlib import Path

    for _ in range(600):
        if Path(file).is_file():
            break
        time.sleep(0.1)
    else:
        raise TimeoutError(f"{file} was not written")
    if then == "kill":
        os.kill(int(Path(file).read_text()), signal.SIGKILL)
    if then == "fail":
        raise ValueError("it cannot work")
    return then


@component
def say(word: str, made: dsl.Output[dsl.Artifact]):
    from pathlib import Path

    from tests.kubeflow.later import word as imported

    Path(made.path).write_text(f"{word} {imported()}")


@dsl.pipeline(name="p")
def following(file: str, then: str) -> dsl.Artifact:
    waited = wait_for(file=file, then=then)
    return say(word=waited.output).outputs["made"]


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "processors", lambda: 2)


def run(
    pipeline: object, folder: Path, arguments: Mapping[str, str] | None = None
) -> tuple[LocalRun | str, list[str]]:
    """Return the outcome of a run and the lines on the terminal."""
    compiler.Compiler().compile(pipeline, str(folder / "pipeline.yaml"))
    terminal = io.StringIO()
    outcome: LocalRun | str
    try:
        outcome = run_locally(
            folder / "pipeline.yaml",
            {"folder": str(folder)} if arguments is None else arguments,
            work=folder / "work",
            log=folder / "run.log",
            terminal=terminal,
        )
    except RunError as error:
        outcome = str(error)
    return outcome, terminal.getvalue().splitlines()


def test_branches_of_a_pipeline_run_at_the_same_time(tmp_path: Path) -> None:
    original = builtins.print
    done, lines = run(meeting, tmp_path)
    assert builtins.print is original
    assert isinstance(done, LocalRun)
    assert done.outputs["Output"].read_text() == "left right"
    assert sorted(done.seconds) == ["join", "meet", "meet-2"]
    assert [line.split()[0] for line in lines] == ["[1/3]", "[2/3]", "[3/3]"]
    log = (tmp_path / "run.log").read_text()
    assert log.count("Executing task") == 3
    assert log.count("finished with status") == 4  # three steps and the pipeline


def test_what_ran_beside_a_failed_step_is_kept(tmp_path: Path) -> None:
    outcome, _ = run(failing, tmp_path)
    assert "it cannot work" in str(outcome)
    assert (tmp_path / "work" / "steps" / "meet" / "step.json").exists()
    assert not (tmp_path / "work" / "steps" / "join").exists()


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that the import of `tests.kubeflow.early` writes."""
    place = tmp_path / "noted"
    monkeypatch.setenv("NOTED_IMPORT", str(place))
    return place


def test_a_step_imports_what_it_needs_while_the_one_before_it_is_executed(
    tmp_path: Path, noted: Path
) -> None:
    """The first step waits for the import by the second one."""
    done, _ = run(following, tmp_path, {"file": str(noted), "then": "go"})
    assert isinstance(done, LocalRun)
    assert done.outputs["Output"].read_text() == "go imported"


def test_a_process_that_was_started_early_ends_when_its_step_is_not_executed(
    tmp_path: Path, noted: Path
) -> None:
    outcome, _ = run(following, tmp_path, {"file": str(noted), "then": "fail"})
    assert "it cannot work" in str(outcome)
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)


def test_finished_steps_start_no_process_early(tmp_path: Path, noted: Path) -> None:
    arguments = {"file": str(noted), "then": "go"}
    run(following, tmp_path, arguments)
    noted.unlink()
    again, _ = run(following, tmp_path, arguments)
    assert isinstance(again, LocalRun)
    assert again.taken == 2
    assert not noted.exists()


def test_an_early_process_that_was_killed_fails_its_step(tmp_path: Path, noted: Path) -> None:
    outcome, _ = run(following, tmp_path, {"file": str(noted), "then": "kill"})
    assert str(outcome).startswith("the step say was killed")


def test_a_step_that_need_not_wait_imports_nothing_that_it_may_not_need(
    tmp_path: Path, noted: Path
) -> None:
    folder = tmp_path / "folder"
    folder.write_text('"no-step"\n')
    with folder.open() as given:
        command = [sys.executable, "-m", "stethoscope.kubeflow.step", "tests.kubeflow.later"]
        ended = subprocess.run(command, stdin=given, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1
    assert "step failed: no-step" in ended.stderr
    assert not noted.exists()


def test_what_modules_say_they_import_later_is_what_they_import() -> None:
    found = 0
    for path in ROOT.glob("**/*.py"):
        text = path.read_text()
        for names in re.findall(r"^IMPORTED_LATER = (\(.+\))$", text, re.MULTILINE):
            for name in ast.literal_eval(names):
                found += 1
                assert f"\n    from {name} import " in text
    assert found
