import socket
from pathlib import Path

import pytest

from stethoscope.cli import main


def test_serve_with_an_unusable_bundle_or_address_gives_one_line(
    fan_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(tmp_path)]) == 1
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", str(fan_bundle), "--port", str(taken.getsockname()[1])]) == 2
    assert main(["serve", str(fan_bundle), "--port", "99999"]) == 2
    assert main(["serve", str(fan_bundle), "--max-seconds", "0"]) == 2
    assert main(["serve", str(fan_bundle), "--max-streams-per-client", "0"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("stethoscope: ") for line in lines)
