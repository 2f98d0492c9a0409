"""The files by which the service is deployed."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
KSERVE_ONLY = ("minReplicas", "maxReplicas", "containerConcurrency", "timeout")


def documents(path: str) -> dict[str, Any]:
    """Return the objects in a file, by kind."""
    text = (DEPLOY / path).read_text(encoding="utf-8")
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


def pod_of_kubernetes() -> dict[str, Any]:
    return documents("kubernetes/stethoscope.yaml")["Deployment"]["spec"]["template"]["spec"]


def pod_of_kserve() -> dict[str, Any]:
    predictor = documents("kserve/stethoscope.yaml")["InferenceService"]["spec"]["predictor"]
    return {key: value for key, value in predictor.items() if key not in KSERVE_ONLY}


PODS = pytest.mark.parametrize("pod", [pod_of_kubernetes(), pod_of_kserve()], ids=["k8s", "kserve"])


@PODS
def test_pod_has_no_token_no_rights_a_key_and_limits(pod: dict[str, Any]) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    rights = container["securityContext"]
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["allowPrivilegeEscalation"] is False
    keys = {one["name"]: one for one in container["env"]}
    assert "secretKeyRef" in keys["STETHOSCOPE_API_KEY"]["valueFrom"]
    assert container["resources"]["limits"].keys() >= {"cpu", "memory"}


def test_network_policy_covers_the_pods_and_lets_nothing_out() -> None:
    objects = documents("kubernetes/stethoscope.yaml")
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    policy = objects["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert policy["egress"] == []
    (container,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} <= ports


def test_metrics_are_read_with_the_key_that_the_service_gets() -> None:
    monitor = documents("kubernetes/metrics.yaml")["ServiceMonitor"]["spec"]
    service = documents("kubernetes/stethoscope.yaml")["Service"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    (container,) = pod_of_kubernetes()["containers"]
    keys = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in container["env"]}
    credentials = endpoint["authorization"]["credentials"]
    assert credentials.items() <= keys["STETHOSCOPE_METRICS_KEY"].items()


@PODS
def test_pod_is_valid_by_the_schema_of_kubernetes(pod: dict[str, Any]) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod}
    validator.validate(whole, validator.latest_version(), strict=True)


@pytest.mark.parametrize("name", ["stethoscope", "stethoscope-container"])
def test_unit_is_hardened(name: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = DEPLOY / "systemd" / f"{name}.service"
    command = ["systemd-analyze", "security", "--offline=yes", str(unit)]
    report = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", report)
    assert found, report
    assert float(found[1]) <= 2.0


def test_unit_starts_the_command_that_there_is() -> None:
    unit = (DEPLOY / "systemd" / "stethoscope.service").read_text(encoding="utf-8")
    assert "Type=notify" in unit
    assert re.search(r"^ExecStart=/opt/stethoscope/bin/stethoscope serve ", unit, re.MULTILINE)


def test_recipe_with_a_bundle_is_based_on_the_image_of_the_service() -> None:
    first, second, last = (DEPLOY / "bundle.Dockerfile").read_text(encoding="utf-8").splitlines()
    service = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"-t {first.removeprefix('FROM ')} ." in service
    assert service.rstrip().endswith(last), "the recipe starts the service as its image does"
    assert second.split()[-1] in last
