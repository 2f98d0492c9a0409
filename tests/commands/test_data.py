"""The commands inspect, simulate and datasets."""

import argparse
import inspect
import json
from pathlib import Path

import pytest

from stethoscope.cli import main
from stethoscope.commands import Command, data
from stethoscope.datasets.simulator.archive import simulate_archive


def parsed(*arguments: str) -> argparse.Namespace:
    """Return the options of one command."""
    commands = argparse.ArgumentParser().add_subparsers()

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text)

    data.register(add)
    return commands.choices[arguments[0]].parse_args(arguments[1:])


def test_defaults_of_simulate_are_those_of_the_simulator() -> None:
    options = vars(parsed("simulate", "a.zip", "--machine", "fan"))
    parameters = inspect.signature(simulate_archive).parameters
    assert set(parameters) - {"path"} == set(options) - {"output"}
    for name, parameter in parameters.items():
        if name not in ("path", "machine"):
            assert options[name] == parameter.default, name


def test_simulated_archive_is_described_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = str(tmp_path / "fan.zip")
    counts = ["--ids", "1", "--train-clips", "2", "--test-anomaly", "1", "--seconds", "0.5"]
    assert main(["simulate", archive, "--machine", "fan", *counts]) == 0
    assert archive in capsys.readouterr().out
    assert main(["inspect", archive, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["layouts"] == {"fan.zip": "dcase2020"}
    assert (found["recordings"], found["faults"], found["strangers"]) == (4, [], [])


def test_catalogue_is_printed_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert main(["datasets", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [line.split()[0] for line in lines] == list(entries)
    assert entries["dcase2020/pump"]["layout"] == "dcase2020"


def test_simulate_refuses_an_unknown_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", str(tmp_path / "x.zip"), "--machine", "tractor"]) == 2
    assert "tractor" in capsys.readouterr().err
