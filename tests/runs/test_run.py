import json
from pathlib import Path

import pytest

from stethoscope.cli import main
from stethoscope.runs.run import absolute, describe_parameters

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
    lines = describe_parameters("main").splitlines()
    [line] = [line for line in lines if line.startswith("max_fpr ")]
    name, default, description = line.split(maxsplit=2)
    assert (name, default) == ("max_fpr", "0.1")
    assert len(description) > 10
