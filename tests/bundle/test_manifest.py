from pathlib import Path

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.manifest import update_manifest
from stethoscope.cli import main
from stethoscope.errors import ModelError
from stethoscope.files import read_json, write_json


def test_altered_or_missing_file_is_named(copy: Path) -> None:
    network = copy / "models/detector/fan.tflite"
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)
    with pytest.raises(ModelError, match=r"fan\.tflite: was altered"):
        Bundle.open(copy)
    network.unlink()
    with pytest.raises(ModelError, match=r"fan\.tflite: is missing"):
        Bundle.open(copy)


def test_file_outside_the_bundle_is_refused(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    manifest = read_json(copy / "bundle.json")
    manifest["files"]["../secret"] = "0" * 64
    write_json(copy / "bundle.json", manifest)
    with pytest.raises(ModelError, match="secret"):
        Bundle.open(copy)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"schema_version": 99}'])
def test_damaged_manifest_gives_one_line(
    copy: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "bundle.json").write_text(content)
    assert main(["predict", str(copy), "x.wav"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_update_accepts_files_that_were_changed_on_purpose(copy: Path) -> None:
    (copy / "models/detector/notes.txt").write_text("made by hand")
    (copy / "models/detector/curves.json").write_text("{}")
    with pytest.raises(ModelError, match=r"curves\.json: was altered"):
        Bundle.open(copy)
    before = read_json(copy / "bundle.json")
    update_manifest(copy, name="other")
    after = read_json(copy / "bundle.json")
    assert Bundle.open(copy).name == "other"
    assert after["files"].keys() - before["files"].keys() == {"models/detector/notes.txt"}
    assert after["thresholds"] == before["thresholds"]
