"""The OpenAPI description, and the answers to requests that schemathesis makes from it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import requests

HERE = Path(__file__).parent


def test_description_has_every_address(service: str) -> None:
    description = requests.get(f"{service}/openapi.json", timeout=5).json()
    assert description["paths"].keys() == {
        "/inference",
        "/inference/batch",
        "/metrics",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/{name}",
        "/v2/models/{name}/ready",
    }
    content = description["paths"]["/inference"]["post"]["requestBody"]["content"]
    assert {"multipart/form-data", "audio/wav"} <= content.keys()


def test_answers_to_generated_requests_agree_with_the_description(
    service: str, tmp_path: Path
) -> None:
    [model] = requests.get(f"{service}/v2", timeout=5).json()["models"]
    program = Path(sys.executable).with_name("schemathesis")
    options = {
        "--phases": "coverage,fuzzing",
        "--max-examples": "5",
        "--seed": "1",
        "--generation-database": "none",
    }
    environment = {
        "MODEL": model,
        "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
        "PYTHONPATH": str(HERE),
    }
    command = [program, "--config-file", HERE / "schemathesis.toml", "run"]
    command += [f"{service}/openapi.json", "--no-color"]
    done = subprocess.run(
        [*command, *(word for option in options.items() for word in option)],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Tested: 8\b", done.stdout)
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated
    assert int(generated.group(1)) > 100
