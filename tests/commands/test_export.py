from pathlib import Path

import pytest

from stethoscope.cli import main


def test_export_writes_c_of_the_bundles_model_and_prints_its_memory(
    beep_parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "c"
    command = ["export", str(beep_parts / "bundle"), "--target", "c", "--output", str(output)]
    assert main(command) == 0
    assert (output / "src" / "detector.c").is_file()
    assert (output / "src" / "model.h").is_file()
    printed = capsys.readouterr().out
    assert "| Flash, model | " in printed
    assert f"cmake -S {output} -B build" in printed


def test_export_of_a_role_that_the_bundle_lacks_gives_one_line(
    beep_parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", str(beep_parts / "bundle"), "--target", "c", "--role", "detector"]
    assert main([*command, "--output", str(tmp_path / "c")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "has no detector of anomalies, it was made for events" in error
    assert not (tmp_path / "c").exists()
