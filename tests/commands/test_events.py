import json
import subprocess
import sys
from pathlib import Path

import pytest

from stethoscope.cli import main
from tests.test_layers import HEAVY


def test_events_are_listed_and_unreadable_files_named(
    beep_parts: Path, beep_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    file = str(beep_folder / "audio_00.wav")
    assert main(["events", str(beep_parts / "bundle"), file, str(tmp_path / "broken.wav")]) == 0
    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert good["File"] == file
    assert set(good["Events"][0]) == {"start", "end", "score", "reported_at", "label"}
    assert "broken.wav: not a readable" in bad["Error"]


def test_events_fails_if_no_file_can_be_read(
    beep_parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    assert main(["events", str(beep_parts / "bundle"), str(tmp_path / "broken.wav")]) == 1
    assert "Error" in json.loads(capsys.readouterr().out)


def test_int8_network_finds_the_same_events(
    beep_parts: Path, beep_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["events", str(beep_parts / "bundle"), str(beep_folder / "audio_00.wav")]
    assert main(arguments) == main([*arguments, "--network", "int8"]) == 0
    both = [json.loads(line)["Events"] for line in capsys.readouterr().out.splitlines()]
    starts = [[event["start"] for event in events] for events in both]
    assert starts[0] == pytest.approx(starts[1], abs=0.1)


def test_events_imports_none_of_the_heavy_packages(beep_parts: Path, beep_folder: Path) -> None:
    program = f"""
import sys
for name in {HEAVY!r}:
    sys.modules[name] = None
from stethoscope.cli import main
sys.exit(main(["events", sys.argv[1], sys.argv[2]]))
"""
    command = [
        sys.executable,
        "-c",
        program,
        str(beep_parts / "bundle"),
        str(beep_folder / "audio_00.wav"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert '"start"' in done.stdout
