"""The lines that README and docs print for curl, run as they are printed."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"http://(127\.0\.0\.1|stethoscope-plant\.REGION\.azurecontainer\.io):\d+")
LINES = [
    line.removeprefix("$ ")
    for page in ("README.md", "docs/serve.md")
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines()
    if line.startswith(("curl ", "$ curl "))
]


def test_lines_are_found() -> None:
    assert len(LINES) >= 6
    assert all(ADDRESS.search(line) for line in LINES)


@pytest.mark.parametrize("line", sorted(set(LINES)))
def test_lines_of_the_docs_work_as_printed(
    line: str, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("curl") is None:
        if os.environ.get("CI"):
            pytest.fail("curl is missing in CI")
        pytest.skip("no curl: apt-get install curl")
    noise = 0.1 * np.random.default_rng(0).standard_normal(480_000)
    for name, seconds in (("clip", 1), ("new", 1), ("one", 1), ("two", 1), ("long", 30)):
        soundfile.write(tmp_path / f"{name}.wav", noise[: 16_000 * seconds], 16_000)
    monkeypatch.setenv("STETHOSCOPE_API_KEY", "s3cret")
    command = shlex.split(os.path.expandvars(ADDRESS.sub(service, line)))
    done = subprocess.run(
        [*command, "--silent", "--noproxy", "*"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    for verdict in answer.get("Results", [answer]):
        assert isinstance(verdict["Anomaly"], bool), answer
    if "machine_id=02" in line:
        assert answer["Details"]["MachineId"] == "02"
    assert len(answer.get("Results", [answer])) == line.count("file=@") or "--data-binary" in line
