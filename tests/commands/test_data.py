"""Commands for data sets; what they compute is tested in the room of data sets."""

import json
from pathlib import Path

import pytest

from stethoscope.cli import main


def test_datasets_lists_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets"]) == 0
    assert "dcase2020/pump" in capsys.readouterr().out


def test_inspect_reads_what_simulate_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = str(tmp_path / "fan.zip")
    size = ["--ids", "1", "--train-clips", "2", "--seconds", "1"]
    assert main(["simulate", archive, "--machine", "fan", *size]) == 0
    capsys.readouterr()
    assert main(["inspect", archive, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layouts"] == {"fan.zip": "dcase2020"}


def test_simulate_refuses_an_unknown_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", str(tmp_path / "x.zip"), "--machine", "tractor"]) == 2
    assert "tractor" in capsys.readouterr().err
