"""The OpenAPI description against what the service does: requests made from it, right and wrong, by
schemathesis.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import requests

HERE = Path(__file__).parent


def test_schemathesis_finds_nothing(service: str, tmp_path: Path) -> None:
    [model] = requests.get(f"{service}/v2", timeout=5).json()["models"]
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml", "run", f"{service}/openapi.json",
            "--phases", "coverage,fuzzing", "--max-examples", "15", "--seed", "1", "--generation-database", "none", "--no-color",
        ],
        cwd=tmp_path,
        env={**os.environ, "MODEL": model, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Tested: 8\b", done.stdout)
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated
    assert int(generated.group(1)) > 100
