import sys
from pathlib import Path

import pytest

from stethoscope.bundle.build import export_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.errors import ParameterError


def test_bundle_has_the_networks_in_the_given_formats(
    fan_model: Path, fan_results: Path, tmp_path: Path
) -> None:
    export_bundle(fan_model, fan_results, tmp_path / "small", formats="tflite")
    assert not list((tmp_path / "small").rglob("*.keras"))
    export_bundle(fan_model, fan_results, tmp_path / "large", formats="h5, keras")
    found = {path.suffix for path in (tmp_path / "large/models/detector").iterdir()}
    assert found >= {".h5", ".keras", ".tflite"}
    with pytest.raises(ParameterError, match="export_formats holds onnx"):
        export_bundle(fan_model, fan_results, tmp_path / "other", formats="onnx")
    assert not (tmp_path / "other").exists()


def test_format_that_only_tensorflow_writes_is_refused_where_it_is_not_installed(
    fan_model: Path, fan_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "stethoscope.model.tensorflow", None)
    with pytest.raises(ParameterError, match="leave out h5"):
        export_bundle(fan_model, fan_results, tmp_path / "bundle", formats="h5")
    assert not (tmp_path / "bundle").exists()


def test_names_of_training_recordings_are_not_exported(fan_model: Path, fan_bundle: Path) -> None:
    assert not list(fan_bundle.rglob("parts.csv"))
    assert Bundle.open(fan_bundle).manifest["machines"] == ["fan/00", "fan/02"]
