"""A local run that is stopped in any step, and continued."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from kfp import compiler, dsl

from stethoscope.kubeflow.local import LocalRun, RunError, run_locally
from tests.disks import NEEDS_ROOT, fill, small_disk

component = dsl.component(base_image="python:3", install_kfp_package=False)


@component
def first(text: str, calls: str, made: dsl.Output[dsl.Artifact]) -> int:
    from stethoscope.progress import warn
    from tests.kubeflow.killing import called

    called("first", calls, "begin")
    with open(made.path, "w") as file:
        file.write(text)
    made.metadata["length"] = len(text)
    warn(f"{text} is short")
    called("first", calls, "end")
    return len(text)


@component
def second(taken: dsl.Input[dsl.Artifact], length: int, calls: str, made: dsl.Output[dsl.Artifact]):
    from tests.kubeflow.killing import called

    called("second", calls, "begin")
    with open(taken.path) as file, open(made.path, "w") as target:
        target.write(f"{file.read()} {length} {taken.metadata['length']}")
    called("second", calls, "end")


@component
def third(taken: dsl.Input[dsl.Artifact], calls: str, suffix: str, made: dsl.Output[dsl.Artifact]):
    from tests.kubeflow.killing import called

    called("third", calls, "begin")
    with open(taken.path) as file, open(made.path, "w") as target:
        target.write(file.read() + suffix)
    called("third", calls, "end")


@dsl.pipeline(name="chain")
def chain(text: str, calls: str, suffix: str = "!") -> dsl.Artifact:
    one = first(text=text, calls=calls)
    two = second(taken=one.outputs["made"], length=one.outputs["Output"], calls=calls)
    return third(taken=two.outputs["made"], calls=calls, suffix=suffix).outputs["made"]


# KFP makes fractions of the numbers in metadata.
RESULT = "abc 3 3.0!"


class Chain:
    """The pipeline in a folder, and the steps that were executed so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = io.StringIO()
        self._calls = folder / "calls"
        compiler.Compiler().compile(chain, str(folder / "pipeline.yaml"))

    def run(self, *, work: str = "work", salt: str = "", **arguments: str) -> LocalRun:
        return run_locally(
            self.folder / "pipeline.yaml",
            {"text": "abc", "calls": str(self._calls), **arguments},
            work=self.folder / work,
            log=self.folder / "run.log",
            salt=salt,
            terminal=self.printed,
        )

    def calls(self) -> list[str]:
        """Steps that were executed since the last call."""
        calls = self._calls.read_text().split() if self._calls.exists() else []
        self._calls.unlink(missing_ok=True)
        return calls


@pytest.fixture
def the_chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path)


@pytest.mark.parametrize("point", ["begin", "end"])
@pytest.mark.parametrize("step", ["first", "second", "third"])
def test_a_killed_step_is_the_only_one_that_is_repeated(
    the_chain: Chain, monkeypatch: pytest.MonkeyPatch, step: str, point: str
) -> None:
    order = ["first", "second", "third"]
    place = order.index(step)
    monkeypatch.setenv("KILLED_AT", f"{step} {point}")
    killed = rf"the step {step} was killed \(SIGKILL\), perhaps because memory ran out"
    with pytest.raises(RunError, match=killed):
        the_chain.run()
    assert the_chain.calls() == order[: place + 1]
    monkeypatch.delenv("KILLED_AT")
    done = the_chain.run()
    assert the_chain.calls() == order[place:]
    assert done.taken == place
    assert done.outputs["Output"].read_text() == RESULT
    assert done.warnings == ["abc is short"]
    assert list(done.seconds) == order


def test_steps_after_a_changed_parameter_are_repeated(the_chain: Chain) -> None:
    the_chain.run()
    assert the_chain.calls() == ["first", "second", "third"]
    assert the_chain.run().taken == 3
    assert the_chain.run(suffix="?").outputs["Output"].read_text() == "abc 3 3.0?"
    assert the_chain.calls() == ["third"]
    assert the_chain.run().outputs["Output"].read_text() == RESULT
    assert the_chain.calls() == ["third"]
    the_chain.run(text="abcd")
    assert the_chain.calls() == ["first", "second", "third"]


def test_changed_code_or_recordings_repeat_every_step(the_chain: Chain) -> None:
    the_chain.run(salt="old")
    the_chain.calls()
    the_chain.run(salt="new")
    assert the_chain.calls() == ["first", "second", "third"]


def test_a_run_that_was_moved_is_continued(the_chain: Chain) -> None:
    the_chain.run()
    (the_chain.folder / "work").rename(the_chain.folder / "moved")
    done = the_chain.run(work="moved")
    assert done.taken == 3
    assert done.outputs["Output"].read_text() == RESULT


@pytest.mark.parametrize("damage", ["shorter", "altered", "absent", "note"])
def test_a_step_with_damaged_outputs_is_repeated(the_chain: Chain, damage: str) -> None:
    the_chain.run()
    the_chain.calls()
    folder = the_chain.folder / "work" / "steps" / "second"
    if damage == "shorter":
        (folder / "made").write_text("abc")
    elif damage == "altered":
        (folder / "made").write_bytes(bytes((folder / "made").stat().st_size))
    elif damage == "absent":
        (folder / "made").unlink()
    else:
        (folder / "step.json").write_text("{")
    assert the_chain.run().outputs["Output"].read_text() == RESULT
    assert the_chain.calls() == ["second"]


def test_a_step_that_was_finished_before_is_shown(the_chain: Chain) -> None:
    the_chain.run()
    the_chain.printed.truncate(0)
    the_chain.run(suffix="?")
    lines = the_chain.printed.getvalue().strip("\0").splitlines()
    assert [line.split()[0] for line in lines] == ["[1/3]", "[2/3]", "[3/3]"]
    assert [line.endswith("finished before") for line in lines] == [True, True, False]


@NEEDS_ROOT
def test_a_full_disk_is_named_and_the_run_continues_when_there_is_space(tmp_path: Path) -> None:
    the_chain = Chain(tmp_path)
    with small_disk(tmp_path / "disk", 1 << 20) as disk:
        fill(disk)
        for _ in range(4):  # a little more space each time
            with pytest.raises(RunError, match=f"{disk}.*: the disk is full; free space there or "):
                the_chain.run(work="disk/work")
            os.truncate(disk / "ballast", (disk / "ballast").stat().st_size - 4096)
        (disk / "ballast").unlink()
        done = the_chain.run(work="disk/work")
        assert done.outputs["Output"].read_text() == RESULT


def test_a_full_disk_of_the_log_does_not_stop_a_run(
    the_chain: Chain, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (the_chain.folder / "run.log").symlink_to("/dev/full")
    assert the_chain.run().outputs["Output"].read_text() == RESULT
    assert "run.log is not complete: " in capsys.readouterr().err


@component
def item(place: str, outcome: dsl.Output[dsl.Artifact]):
    from pathlib import Path

    status = "succeeded" if Path(place).exists() else "failed"
    Path(outcome.path).write_text(status)
    outcome.metadata["status"] = status


@component
def board(outcome: dsl.Input[dsl.Artifact], made: dsl.Output[dsl.Artifact]):
    from pathlib import Path

    Path(made.path).write_text(Path(outcome.path).read_text())


@dsl.pipeline(name="sweeping")
def sweeping(place: str) -> dsl.Artifact:
    return board(outcome=item(place=place).outputs["outcome"]).outputs["made"]


def test_an_item_that_failed_and_what_takes_its_outcome_are_repeated(tmp_path: Path) -> None:
    compiler.Compiler().compile(sweeping, str(tmp_path / "pipeline.yaml"))

    def run() -> tuple[int, str]:
        done = run_locally(
            tmp_path / "pipeline.yaml",
            {"place": str(tmp_path / "there")},
            work=tmp_path / "work",
            log=tmp_path / "run.log",
            terminal=io.StringIO(),
        )
        return done.taken, done.outputs["Output"].read_text()

    assert run() == (0, "failed")
    assert run() == (0, "failed")
    (tmp_path / "there").touch()
    assert run() == (0, "succeeded")
    assert run() == (2, "succeeded")


@component
def wait(pid: str):
    import os
    import time

    with open(pid, "w") as file:
        file.write(str(os.getpid()))
    print("waiting", flush=True)
    time.sleep(600)


@dsl.pipeline(name="waiting")
def waiting(pid: str):
    wait(pid=pid)


WAITING = """
import sys
from pathlib import Path
from stethoscope.kubeflow.local import run_locally
folder = Path(sys.argv[1])
run_locally(folder / "pipeline.yaml", {"pid": str(folder / "pid")}, work=folder / "work",
            log=folder / "run.log")
"""


def started_and_waiting(folder: Path) -> tuple[subprocess.Popen[str], psutil.Process]:
    """Start a run whose only step waits; return its process and that of the step."""
    compiler.Compiler().compile(waiting, str(folder / "pipeline.yaml"))
    run = subprocess.Popen(
        [sys.executable, "-c", WAITING, str(folder)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: (folder / "pid").exists() and (folder / "pid").read_text() != "")
    return run, psutil.Process(int((folder / "pid").read_text()))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_step_ends_with_the_run(tmp_path: Path, number: int) -> None:
    run, step = started_and_waiting(tmp_path)
    run.send_signal(number)
    run.communicate(timeout=60)
    step.wait(60)
    assert not step.is_running()


def test_a_step_that_another_process_kills_fails_the_run(tmp_path: Path) -> None:
    run, step = started_and_waiting(tmp_path)
    step.terminate()
    _, printed = run.communicate(timeout=60)
    assert "RunError: the step wait was stopped (SIGTERM)" in printed
