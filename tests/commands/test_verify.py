import shutil
from pathlib import Path

import pytest

from stethoscope.cli import main
from tests.bundle.conftest import OLD_BUNDLE
from tests.bundle.test_signature import make_keys


def test_bundle_is_verified_signed_and_verified_by_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = Path(shutil.copytree(OLD_BUNDLE, tmp_path / "bundle"))
    private, public = make_keys(tmp_path, "key")
    assert main(["verify", str(bundle)]) == 0
    printed = capsys.readouterr().out
    assert "of schema 1, which has no digest: an altered threshold" in printed
    assert "signature: none" in printed
    assert main(["verify", str(bundle), "--sign", str(private), "--key", str(public)]) == 0
    printed = capsys.readouterr().out
    assert "18 files as they were exported" in printed
    assert f"signature: by the key that belongs to {public}" in printed
    assert "judged as fan/00, fan/02" in printed
    thresholds = ["threshold", str(bundle), "--false-alarm-rate", "0.2"]
    assert main([*thresholds, "--sign", str(private)]) == 0
    assert main(["verify", str(bundle), "--key", str(public)]) == 0
    assert main(thresholds) == 0
    assert main(["verify", str(bundle), "--key", str(public)]) == 1
    assert "has no signature" in capsys.readouterr().err


def test_altered_bundle_fails_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = Path(shutil.copytree(OLD_BUNDLE, tmp_path / "bundle"))
    path = bundle / "models/events/events_float.tflite"
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["verify", str(bundle)]) == 1
    error = capsys.readouterr().err
    assert "events_float.tflite: was altered" in error
    assert error.count("\n") == 1
