import builtins
import io
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from stethoscope.cli import main
from stethoscope.kubeflow.local import Console, RunError, run_locally

TINY = "simulated/fan?ids=2&train_clips=6&test_normal=3&test_anomaly=3&seconds=1"


@pytest.mark.slow
def test_a_run_leaves_what_the_contract_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    arguments = [
        "run",
        "--dataset-url",
        TINY,
        "-p",
        "detector=autoencoder",
        "-p",
        "fit_epochs=2",
        "-p",
        "feature_n_mels=32",
        "-p",
        "class_epochs=2",
    ]
    assert main([*arguments, "--output", str(output)]) == 0
    found = {path.name for path in output.iterdir()}
    assert {"summary.json", "result.csv", "scores.csv", "report.html", "bundle", "run.log"} <= found
    assert {"anomaly_score_fan_id_00.csv", "anomaly_score_fan_id_02.csv"} <= found
    assert "work" not in found
    summary = json.loads((output / "summary.json").read_text())
    assert summary["settings"]["fit_epochs"] == 2
    assert len(summary["evaluation"]["overall"]["machines"]) == 2
    printed = capsys.readouterr().out
    assert "fan/00" in printed
    assert str(output / "report.html") in printed

    assert (
        main(
            [
                "predict",
                str(output / "bundle"),
                str(output / "bundle/golden/detector/golden.wav"),
                "--machine-id",
                "00",
            ]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)["Details"]["MachineId"] == "00"


@pytest.mark.slow
def test_a_failing_step_is_one_clear_line_and_keeps_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set" / "fan" / "train"
    folder.mkdir(parents=True)
    (folder / "normal_id_00_00000000.wav").write_text("no sound")
    assert (
        main(["run", "--dataset-url", str(tmp_path / "set"), "--output", str(tmp_path / "run")])
        == 1
    )
    error = capsys.readouterr().err
    assert error.startswith("stethoscope: none of 1 recordings can be used; the first: ")
    assert error.count("\n") == 1
    assert "Traceback" in (tmp_path / "run" / "run.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "fit_epochs=two"], "fit_epochs is 'two'; it must be a whole number, such as 100"),
        (["-p", "fit_epoch=2"], "fit_epoch is no parameter, did you mean fit_epochs?"),
        (["--pipeline", "mian"], "pipeline is 'mian'"),
        (["--dataset-url", "a.zip", "-p", "dataset_url=b.zip"], "dataset_url is given twice"),
    ],
)
def test_wrong_calls_are_refused_before_anything_runs(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments, "--output", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_console_shows_a_line_per_step() -> None:
    log, terminal = io.StringIO(), io.StringIO()
    with Console(log, terminal, steps=2) as console:
        print("03:14:15.926 - INFO - Executing task \x1b[96m'download'\x1b[0m", file=console)
        print("simulate 3/9", file=console)
        print("warning: one thing", file=console)
        print(
            "03:14:16.926 - INFO - Task \x1b[96m'download'\x1b[0m finished with status \x1b[92mSUCCESS\x1b[0m",
            file=console,
        )
        print("03:14:17.926 - INFO - Executing task \x1b[96m'train-detector'\x1b[0m", file=console)
        print("stethoscope.errors.DatasetError: nothing to train on", file=console)
        print(
            "03:14:18.926 - ERROR - Task \x1b[96m'train-detector'\x1b[0m finished with status \x1b[91mFAILURE\x1b[0m",
            file=console,
        )
    assert console.warnings == ["one thing"]
    assert console.failure == "nothing to train on"
    first, second = terminal.getvalue().splitlines()
    assert first.startswith("[1/2] download ")
    assert second.startswith("[2/2] train-detector ")
    assert second.endswith("failed")
    assert "simulate 3/9" in log.getvalue()


def test_print_is_itself_again_after_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The runner's own restoring goes wrong where the items of a loop end out of turn."""
    original = builtins.print
    monkeypatch.setattr(builtins, "print", original)

    class Pipeline:
        pipeline_spec = SimpleNamespace(root=SimpleNamespace(dag=SimpleNamespace(tasks=[])))

        def __call__(self) -> None:
            builtins.print = lambda *values, **options: original("  ", *values, **options)
            raise RuntimeError("stopped")

    monkeypatch.setattr("kfp.components.load_component_from_text", lambda _: Pipeline())
    with pytest.raises(RunError, match="stopped"):
        run_locally(
            Path(__file__).parents[2] / "pipeline.yaml",
            {},
            work=tmp_path / "work",
            log=tmp_path / "run.log",
        )
    assert builtins.print is original


def test_what_fails_here_is_not_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a cluster the download is retried after minutes; here the second attempt would find the
    same.
    """
    started = time.monotonic()
    assert main(["run", "--dataset-url", "/no/such.zip", "--output", str(tmp_path / "run")]) == 1
    assert "/no/such.zip: No such file" in capsys.readouterr().err
    assert time.monotonic() - started < 45


def test_commands_that_need_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets"]) == 0
    assert "dcase2020/pump" in capsys.readouterr().out
    assert (
        main(
            [
                "simulate",
                str(tmp_path / "fan.zip"),
                "--machine",
                "fan",
                "--ids",
                "1",
                "--train-clips",
                "2",
                "--seconds",
                "1",
            ]
        )
        == 0
    )
    capsys.readouterr()
    assert main(["inspect", str(tmp_path / "fan.zip"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layouts"] == {"fan.zip": "dcase2020"}
    assert main(["compile", "--output", str(tmp_path / "pipeline.yaml")]) == 0
    assert (tmp_path / "pipeline.yaml").read_text().startswith("# PIPELINE DEFINITION")
    assert main(["simulate", str(tmp_path / "x.zip"), "--machine", "tractor"]) == 2
    assert "tractor" in capsys.readouterr().err
    assert sys.exc_info() == (None, None, None)
