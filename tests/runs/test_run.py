import json
import re
from pathlib import Path

import pytest
from kfp import compiler, dsl

from stethoscope.cli import main
from stethoscope.errors import ParameterError
from stethoscope.kubeflow.folder import RunFolder
from stethoscope.kubeflow.local import RunError
from stethoscope.runs.run import absolute, describe_parameters, run

TINY = "simulated/fan?ids=2&train_clips=6&test_normal=3&test_anomaly=3&seconds=1"


@pytest.mark.slow
def test_run_leaves_the_files_of_the_contract_and_a_bundle_that_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    parameters = ["detector=autoencoder", "fit_epochs=2", "feature_n_mels=32", "class_epochs=2"]
    arguments = [part for one in parameters for part in ("-p", one)]
    assert main(["run", "--dataset-url", TINY, *arguments, "--output", str(output)]) == 0
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

    bundle = output / "bundle"
    recording = bundle / "golden" / "detector" / "golden.wav"
    assert main(["predict", str(bundle), str(recording), "--machine-id", "00"]) == 0
    assert json.loads(capsys.readouterr().out)["Details"]["MachineId"] == "00"


@pytest.mark.slow
def test_failing_step_prints_one_line_and_leaves_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set" / "fan" / "train"
    folder.mkdir(parents=True)
    (folder / "normal_id_00_00000000.wav").write_text("no sound")
    output = tmp_path / "run"
    assert main(["run", "--dataset-url", str(tmp_path / "set"), "--output", str(output)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("stethoscope: none of 1 recordings can be used; the first: ")
    assert error.count("\n") == 1
    assert "Traceback" in (output / "run.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "fit_epochs=two"], "fit_epochs is 'two'; it must be a whole number, such as 100"),
        (["-p", "fit_epoch=2"], "fit_epoch is no parameter, did you mean fit_epochs?"),
        (["--pipeline", "mian"], "pipeline is 'mian'"),
        (["--dataset-url", "a.zip", "-p", "dataset_url=b.zip"], "dataset_url is given twice"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_runs(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments, "--output", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_output_that_is_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["run", "--output", str(tmp_path / "file")]) == 2
    assert "file is a file; name a folder" in capsys.readouterr().err


def test_relative_paths_of_recordings_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.zip").touch()
    (tmp_path / "b, c").mkdir()
    assert absolute("a.zip, dcase2020/fan") == f"{tmp_path / 'a.zip'},dcase2020/fan"
    assert absolute("b, c") == str(tmp_path / "b, c")
    assert absolute("https://example.org/x.zip") == "https://example.org/x.zip"
    assert absolute("") == ""


def test_parameters_are_listed_with_default_and_description() -> None:
    [(_, default, description)] = [
        one for one in describe_parameters("main") if one[0] == "max_fpr"
    ]
    assert default == "0.1"
    assert len(description) > 10


@dsl.component(base_image="python:3", install_kfp_package=False)
def make(folder: str, text: str, made: dsl.Output[dsl.Artifact]):
    from pathlib import Path

    if not (Path(folder) / "go").exists():
        raise OSError(30, "Read-only file system", folder)
    Path(made.path).write_text(text)


@dsl.pipeline(name="one-step")
def one_step(folder: str, text: str = "a") -> dsl.Artifact:
    return make(folder=folder, text=text).outputs["made"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    compiler.Compiler().compile(one_step, str(tmp_path / "one.yaml"))
    return tmp_path / "one.yaml"


def test_a_failed_run_says_how_it_is_continued_and_does_not_look_finished(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    (output / "bundle").mkdir(parents=True)
    for name in ("summary.json", "report.html"):  # of an older run
        (output / name).touch()
    with pytest.raises(RunError) as caught:
        run("one-step", {"folder": str(tmp_path)}, output, source=source)
    again = f"stethoscope run --resume {output}"
    assert str(caught.value).startswith(
        f"{tmp_path}: cannot be written, the file system is read-only; "
    )
    assert str(caught.value).endswith(f"; continue by `{again}`")
    assert RunFolder(output).state() == "failed"
    assert not (output / "summary.json").exists()

    (tmp_path / "go").touch()
    assert main(again.split()[1:]) == 0
    assert RunFolder(output).state() == "finished"
    assert (output / "Output").read_text() == "a"
    assert json.loads((output / "summary.json").read_text())["settings"]["text"] == "a"
    assert not (output / "work").exists()
    capsys.readouterr()

    assert main(again.split()[1:]) == 0
    assert capsys.readouterr().out == (
        f"{output} is finished, and nothing has changed since; nothing is run\n"
    )
    assert main([*again.split()[1:], "-p", "text=b"]) == 0
    assert (output / "Output").read_text() == "b"


def test_two_runs_without_an_output_have_folders_of_their_own(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "go").touch()
    for _ in range(2):
        run("one-step", {"folder": str(tmp_path)}, source=source)
    assert len(list((tmp_path / "runs").glob("one-step-*/summary.json"))) == 2


def test_a_run_whose_last_lines_nobody_reads_is_finished(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise BrokenPipeError

    (tmp_path / "go").touch()
    monkeypatch.setattr("stethoscope.runs.run.print_closing", fail)
    with pytest.raises(BrokenPipeError):
        run("one-step", {"folder": str(tmp_path)}, tmp_path / "out", source=source)
    assert RunFolder(tmp_path / "out").state() == "finished"


def test_only_the_folder_of_a_run_is_continued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--resume", str(tmp_path)]) == 2
    assert "is not the folder of a run; name its --output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("main", {"dataset_url": "week.zip"}, "week.zip: no such file or folder; "),
        ("main", {"detector": "ear"}, "detector is 'ear'; choose one of "),
        ("detect", {"detector_false_alarm_rate": "2"}, "detector_false_alarm_rate is 2"),
        ("event-detection", {"dataset_url": "bell.zip"}, "bell.zip: no such file or folder; "),
    ],
)
def test_what_a_step_would_refuse_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, wrong: dict[str, str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=f"^{re.escape(said)}"):
        run(name, wrong)
    assert list(tmp_path.iterdir()) == []
