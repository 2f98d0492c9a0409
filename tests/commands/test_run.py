"""The command `compile`; `run` is tested with what it runs."""

import re
from pathlib import Path

import pytest

from stethoscope import __version__
from stethoscope.cli import main
from stethoscope.kubeflow.compiled import parse
from stethoscope.runs.pipelines import PIPELINES, compiled_file


def test_compile_sets_the_image_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compile", "--pipeline", "sweep", "--image", "example.org/image:1"]) == 0
    packaged = compiled_file("sweep").read_text()
    expected = packaged.replace(
        f"image: stethoscope-python:{__version__}", "image: example.org/image:1"
    )
    assert parse((tmp_path / "sweep.yaml").read_text()) == parse(expected) != parse(packaged)


def test_compile_of_an_unknown_pipeline_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "x.yaml"
    assert main(["compile", "--pipeline", "mian", "--output", str(output)]) == 2
    assert "pipeline is 'mian'; choose one of main" in capsys.readouterr().err
    assert not output.exists()


def test_help_names_every_pipeline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    [named] = re.findall(r"--pipeline NAME +(.*) \(default: main\)", capsys.readouterr().out)
    words = re.split(", | or ", re.sub(r" \(.*?\)", "", named))
    assert sorted(words) == sorted(PIPELINES)
