"""What is done with a bundle after the export, if the parameters ask for it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stethoscope import __version__
from stethoscope.errors import ParameterError
from stethoscope.monitoring.publish import PUBLISH, kserve_manifest, publish
from tests.kubeflow.fake_registry import Registry

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    figures = {"auc": {"value": 0.9}, "pauc": {"value": 0.8}, "false_alarm_rate": {"value": None}}
    manifest = {
        "name": "fan-pooled-gmm",
        "machines": ["fan/00", "fan/02"],
        "labels": [],
        "metrics": {"overall": figures},
        "sha256": 64 * "a",
    }
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


def done(bundle: Path, folder: Path, **given: str) -> dict[str, Any]:
    values = {**PUBLISH.defaults, **given}
    publish(bundle, "minio://store/bundle", values, folder, fingerprint="abc")
    found: dict[str, Any] = json.loads((folder / "serving.json").read_text())
    return found


def test_by_default_nothing_is_registered_or_written(bundle: Path, tmp_path: Path) -> None:
    assert not done(bundle, tmp_path / "serving")["registered"]
    assert [path.name for path in (tmp_path / "serving").iterdir()] == ["serving.json"]


def test_bundle_is_registered_with_figures_and_fingerprints(bundle: Path, tmp_path: Path) -> None:
    registry = Registry()
    try:
        for folder in ("a", "b"):
            found = done(bundle, tmp_path / folder, export_registry=registry.address)
            assert found["registered"]
    finally:
        registry.close()
    [version] = registry.versions.values()
    assert version["name"] == found["version"] == f"{__version__}-aaaaaaaaaaaa"
    kept = {
        name: next(value for key, value in one.items() if key.endswith("_value"))
        for name, one in version["customProperties"].items()
    }
    assert kept == {
        "auc": 0.9,
        "pauc": 0.8,
        "machines": "fan/00, fan/02",
        "bundle_sha256": 64 * "a",
        "recordings_fingerprint": "abc",
        "stethoscope": __version__,
    }
    [artifact] = registry.artifacts.values()
    assert artifact["uri"] == "minio://store/bundle"


def test_manifest_of_kserve_serves_the_bundle_with_the_image(bundle: Path, tmp_path: Path) -> None:
    image = "registry.example.org/stethoscope-serve:0.1.0"
    done(bundle, tmp_path / "serving", export_serve_image=image, export_model_name="Fan Nr. 3")
    made = yaml.safe_load((tmp_path / "serving" / "inference_service.yaml").read_text())
    ours = yaml.safe_load((ROOT / "deploy" / "kserve" / "stethoscope.yaml").read_text())
    ours["metadata"]["name"] = "fan-nr-3"
    [container] = ours["spec"]["predictor"]["containers"]
    container["image"] = image
    container["env"][0]["value"] = "s3://store/bundle"
    assert made == ours


def test_name_of_the_service_is_one_that_kubernetes_takes() -> None:
    made = yaml.safe_load(kserve_manifest("Pumpe_ä/" + "x" * 90, "r.example.org/s:1", "s3://b"))
    assert made["metadata"]["name"] == "pumpe-" + "x" * 44


@pytest.mark.parametrize("address", ["registry:8080", "http://", "ftp://registry", "http://[x"])
def test_address_of_a_registry_is_checked(address: str) -> None:
    with pytest.raises(ParameterError, match=r"export_registry is .*; give an address such as"):
        PUBLISH.check({**PUBLISH.defaults, "export_registry": address})
