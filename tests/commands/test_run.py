"""The command `compile`; `run` is tested with what it runs."""

from pathlib import Path

import pytest

from stethoscope.cli import main
from stethoscope.runs.pipelines import compiled_file


def test_compile_without_settings_writes_the_packaged_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compile", "--pipeline", "sweep", "--image", "example.org/image:1"]) == 0
    assert (tmp_path / "sweep.yaml").read_text() == compiled_file("sweep").read_text()


def test_compile_sets_the_image(tmp_path: Path) -> None:
    output = tmp_path / "main.yaml"
    assert main(["compile", "--image", "example.org/image:1", "--output", str(output)]) == 0
    assert "image: example.org/image:1" in output.read_text()


def test_compile_of_an_unknown_pipeline_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "x.yaml"
    assert main(["compile", "--pipeline", "mian", "--output", str(output)]) == 2
    assert "pipeline is 'mian'; choose one of main" in capsys.readouterr().err
    assert not output.exists()
