import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stethoscope.cli import main


def test_predict_answers_the_other_files_if_one_cannot_be_read(
    fan_bundle: Path, fan_archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    with zipfile.ZipFile(fan_archive) as archive:
        good = archive.extract("fan/test/normal_id_00_00000000.wav", tmp_path)
    assert main(["predict", str(fan_bundle), str(text), good]) == 0
    bad, answer = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert bad["File"] == str(text)
    assert "not a readable" in bad["Error"]
    assert "Anomaly" in answer
    assert main(["predict", str(fan_bundle), str(text)]) == 1
    assert main(["predict", "--exit-code", str(fan_bundle), str(text), good]) in (1, 3)


def test_predict_with_a_missing_bundle_gives_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(tmp_path / "nowhere"), "x.wav"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "is not a bundle folder" in lines[0]


def test_nothing_but_the_answer_is_printed(fan_bundle: Path, fan_archive: Path) -> None:
    """The runtime of the networks logs that it starts, from C++."""
    with zipfile.ZipFile(fan_archive) as archive:
        archive.extract("fan/test/normal_id_00_00000000.wav", fan_bundle.parent)
    folder = str(fan_bundle.parent / "fan")
    done = subprocess.run(
        [sys.executable, "-m", "stethoscope", "predict", str(fan_bundle), folder],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout)["File"].endswith("normal_id_00_00000000.wav")


def test_classify_of_a_bundle_names_the_command_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bundle.json").write_text("{}")
    assert main(["classify", str(tmp_path), "a.wav"]) == 2
    assert "is a bundle; name the folder `model`" in capsys.readouterr().err
