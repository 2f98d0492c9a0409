from pathlib import Path

import requests

from stethoscope.files import read_json


def test_health_and_metadata_follow_the_open_inference_protocol(
    service: str, fan_bundle: Path
) -> None:
    name = read_json(fan_bundle / "bundle.json")["name"]
    assert requests.get(f"{service}/v2/health/live", timeout=5).json() == {"live": True}
    assert requests.get(f"{service}/v2/health/ready", timeout=5).json() == {"ready": True}
    assert requests.get(f"{service}/v2/models/{name}/ready", timeout=5).json() == {"ready": True}
    assert requests.get(f"{service}/v2", timeout=5).json()["name"] == "stethoscope"
    metadata = requests.get(f"{service}/v2/models/{name}", timeout=5).json()
    assert {"name", "versions", "platform", "inputs", "outputs"} <= metadata.keys()
    assert metadata["parameters"]["machines"] == ["fan/00", "fan/02"]
    assert metadata["parameters"]["sample_rate"] == 16_000
