"""KFP's local runner, as `run_locally` starts it and `Console` shows it."""

import io
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from kfp import compiler, dsl

from components.download import download
from stethoscope.kubeflow.console import Console
from stethoscope.kubeflow.local import LocalRun, RunError, run_locally


@dsl.component(base_image="python:3", install_kfp_package=False)
def warn_once(text: str):
    from stethoscope.progress import warn

    warn(text)


@dsl.component(base_image="python:3", install_kfp_package=False)
def fail(attempts: str):
    with open(attempts, "a") as file:
        file.write("tried\n")
    raise ValueError("it cannot work")


@dsl.component(base_image="python:3", install_kfp_package=False)
def show_warnings(recordings: dsl.Input[dsl.Dataset], texts: dsl.Output[dsl.Artifact]):
    from stethoscope.kubeflow.warnings import kept_warnings

    with open(texts.path, "w") as file:
        file.write("\n".join(kept_warnings(recordings)))


def run(pipeline: object, folder: Path, **arguments: str) -> LocalRun:
    compiler.Compiler().compile(pipeline, str(folder / "pipeline.yaml"))
    work, log = folder / "work", folder / "run.log"
    return run_locally(
        folder / "pipeline.yaml", arguments, work=work, log=log, terminal=io.StringIO()
    )


def test_warnings_of_every_step_are_collected_once(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def pipeline():
        first = warn_once(text="the first thing")
        second = warn_once(text="the second\nthing").after(first)
        warn_once(text="the first thing").after(second)

    done = run(pipeline, tmp_path)
    assert done.warnings == ["the first thing", "the second thing"]
    assert len(done.seconds) == 3


def test_warnings_of_the_download_reach_the_end_of_the_run_and_later_steps(tmp_path: Path) -> None:
    """All pipelines share this step. A table lists a recording that is not in the data set."""
    folder = tmp_path / "UrbanSound8K"
    (folder / "audio" / "fold1").mkdir(parents=True)
    (folder / "audio" / "fold1" / "1.wav").write_bytes(b"RIFF")
    (folder / "metadata").mkdir()
    rows = ["slice_file_name,fsID,fold,class", "1.wav,1,1,horn", "2.wav,2,1,horn"]
    (folder / "metadata" / "UrbanSound8K.csv").write_text("\n".join(rows))

    @dsl.pipeline(name="p")
    def pipeline(dataset_url: str) -> dsl.Artifact:
        given = {"dataset_layout": "auto", "dataset_md5": "", "seed": 0, "fingerprint": ""}
        downloaded = download(dataset_url=dataset_url, **given)
        return show_warnings(recordings=downloaded.outputs["recordings"]).outputs["texts"]

    done = run(pipeline, tmp_path, dataset_url=str(folder))
    [warning] = done.warnings
    assert "2.wav is listed in" in warning
    assert done.outputs["Output"].read_text() == warning


def test_a_step_that_fails_here_is_not_tried_again(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def pipeline(attempts: str):
        fail(attempts=attempts).set_retry(num_retries=3, backoff_duration="1s")

    with pytest.raises(RunError, match=r"ValueError: it cannot work .*run\.log"):
        run(pipeline, tmp_path, attempts=str(tmp_path / "attempts"))
    assert (tmp_path / "attempts").read_text() == "tried\n"


@pytest.fixture
def stopping_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline that stops."""

    class Pipeline:
        pipeline_spec = SimpleNamespace(root=SimpleNamespace(dag=SimpleNamespace(tasks=[])))

        def __call__(self) -> None:
            raise RuntimeError("stopped")

    monkeypatch.setattr("kfp.components.load_component_from_text", lambda _: Pipeline())


@pytest.mark.usefixtures("stopping_pipeline")
def test_logging_is_restored_after_a_run(tmp_path: Path) -> None:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    compiled = Path(__file__).parents[2] / "pipeline.yaml"
    with pytest.raises(RunError, match="stopped"):
        run_locally(compiled, {}, work=tmp_path / "work", log=tmp_path / "run.log")
    assert (root.level, root.handlers) == (level, handlers)


STARTED = "03:14:15.926 - INFO - Executing task \x1b[96m'{}'\x1b[0m"
ENDED = "03:14:16.926 - INFO - Task \x1b[96m'{}'\x1b[0m finished with status \x1b[92m{}\x1b[0m"


def test_console_shows_a_line_per_step_and_logs_everything() -> None:
    log, terminal = io.StringIO(), io.StringIO()
    with Console(log, terminal, steps=2) as console:
        print(STARTED.format("download"), file=console)
        print("simulate 3/9", file=console)
        print("warning: one thing", file=console)
        print("warning: one thing", file=console)
        print(ENDED.format("download", "SUCCESS"), file=console)
        print(STARTED.format("train-detector"), file=console)
        print("step failed: nothing to train on", file=console)
        print(ENDED.format("train-detector", "FAILURE"), file=console)
    assert console.warnings == ["one thing"]
    assert console.failure == "nothing to train on"
    first, second = terminal.getvalue().splitlines()
    assert first.startswith("[1/2] download ")
    assert second.startswith("[2/2] train-detector ")
    assert second.endswith("failed")
    assert log.getvalue().count("warning: one thing") == 2
    assert "simulate 3/9" in log.getvalue()


def test_console_names_the_item_of_a_loop() -> None:
    log, terminal = io.StringIO(), io.StringIO()
    with Console(log, terminal, steps=1) as console:
        print(STARTED.format("sweep-item"), file=console)
        print("fan-1 | [1/2] download 0.1 s", file=console)
        print(ENDED.format("sweep-item", "SUCCESS"), file=console)
    [line] = terminal.getvalue().splitlines()
    assert line.startswith("[1/1] fan-1 ")
    assert list(console.seconds) == ["sweep-item fan-1"]


def test_progress_is_cut_to_the_width_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    with Console(io.StringIO(), terminal, steps=12) as console:
        print(STARTED.format("train-detector"), file=console)
        print("epochs 3/9  loss 0.123456789  accuracy 0.8", file=console)
        print(ENDED.format("train-detector", "SUCCESS"), file=console)
    assert terminal.getvalue().startswith("\r[ 1/12] train-detector")
    assert max(map(len, re.split(r"[\r\n]", terminal.getvalue()))) == 39


def test_console_shows_a_step_that_did_not_end() -> None:
    terminal = io.StringIO()
    with Console(io.StringIO(), terminal, steps=1) as console:
        print(STARTED.format("download"), file=console)
    assert terminal.getvalue().rstrip().endswith("stopped")


def test_console_goes_on_when_nobody_reads_its_lines() -> None:
    log = io.StringIO()
    reader, writer = os.pipe()
    os.close(reader)
    terminal = os.fdopen(writer, "w", buffering=1)
    with Console(log, terminal, steps=2) as console:
        for step in ("download", "report"):
            print(STARTED.format(step), file=console)
            print(ENDED.format(step, "SUCCESS"), file=console)
    assert list(console.seconds) == ["download", "report"]
    with pytest.raises(BrokenPipeError):
        terminal.close()


def test_step_whose_end_the_runner_does_not_log_is_not_called_stopped() -> None:
    terminal = io.StringIO()
    with Console(io.StringIO(), terminal, steps=1) as console:
        print("Executing task 'one'", file=console)
        console.end_step(succeeded=True)
        print(ENDED.format("one", "SUCCESS"), file=console)  # where it does, once is enough
        assert console.last_step()["name"] == "one"
    assert len(terminal.getvalue().splitlines()) == 1
    assert "stopped" not in terminal.getvalue()


ELSEWHERE = """
import sys
from pathlib import Path
from stethoscope.kubeflow.local import run_locally
folder = Path(sys.argv[1])
run_locally(folder / "pipeline.yaml", {}, work=folder / "work", log=folder / "run.log")
assert "kfp.client" not in sys.modules
import kfp
assert kfp.Client.__module__ == "kfp.client.client"
assert kfp.dsl.component and kfp.components.load_component_from_text
assert not hasattr(kfp, "Nothing")
"""


def test_a_run_imports_no_client_and_leaves_kfp_whole_for_other_code(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def pipeline():
        warn_once(text="one")

    compiler.Compiler().compile(pipeline, str(tmp_path / "pipeline.yaml"))
    subprocess.run([sys.executable, "-c", ELSEWHERE, str(tmp_path)], check=True)
