"""From scores to events."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.cli import main
from stethoscope.errors import ModelError
from stethoscope.events.model import Event, EventDetector, normalise, window_labels, windows_of
from stethoscope.files import read_json, write_json
from tests.sounds import beeps
from tests.test_layers import HEAVY


def test_a_window_counts_only_if_it_lies_wholly_inside() -> None:
    """The example of the field's notebook: a window from 25.28 s is outside 25.29 to 26.29 s, the
    next one inside.
    """
    length = 31 * 128 + 256
    starts = np.array(
        [
            round(25.28 * 16000),
            round(25.28 * 16000) + 1024,
            round(26.29 * 16000) - length,
            round(26.29 * 16000) - length + 1,
        ]
    )
    assert window_labels([(25.29, 26.29)], starts, length, 16000).tolist() == [0, 1, 1, 0]


def test_windows_are_cut_in_order() -> None:
    frames = np.arange(20, dtype=np.float32).reshape(10, 2)
    assert (windows_of(frames, 4, 3)[1] == frames[3:7]).all()
    assert normalise(frames, 1.0, 2.0)[0] == pytest.approx([-0.5, 0.0])


def test_events_of_a_recording_are_found(beep_parts: Path, beep_folder: Path) -> None:
    """A recording that nothing was trained on: the test part has other ones, this one is new."""
    new = beep_parts / "new"
    beeps(new, "x", seed=99)
    truth = [
        tuple(map(float, line.split("\t")[:2]))
        for line in (new / "labels_x.txt").read_text().splitlines()
    ]
    for network in ("float", "int8"):
        found = EventDetector.open(beep_parts / "model", network).find(new / "audio_x.wav")
        assert len(found) == len(truth)
        for event, (start, end) in zip(found, truth, strict=True):
            assert isinstance(event, Event)
            assert event.start == pytest.approx(start, abs=0.2)
            assert event.end == pytest.approx(end, abs=0.2)
            assert start < event.reported_at < end


def test_the_command_lists_events_and_names_what_it_cannot_use(
    beep_parts: Path, beep_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    file = str(beep_folder / "audio_00.wav")
    assert main(["events", str(beep_parts / "bundle"), file, str(tmp_path / "broken.wav")]) == 0
    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert good["File"] == file
    assert set(good["Events"][0]) == {"start", "end", "score", "reported_at"}
    assert "broken.wav: not a readable" in bad["Error"]


def test_bundle_of_schema_1_is_read_and_answers_like_one_of_schema_2(
    beep_parts: Path, beep_folder: Path, tmp_path: Path
) -> None:
    older = Path(shutil.copytree(beep_parts / "bundle", tmp_path / "older"))
    manifest = read_json(older / "bundle.json")
    assert manifest["schema_version"] == 2
    write_json(older / "bundle.json", {**manifest, "schema_version": 1})
    file = beep_folder / "audio_00.wav"
    events = Bundle.open(older).events.find(file)
    assert events
    assert events == Bundle.open(beep_parts / "bundle").events.find(file)


def test_events_need_none_of_the_heavy_packages(beep_parts: Path, beep_folder: Path) -> None:
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


def test_roles_that_a_bundle_lacks_are_named(beep_parts: Path, fan_bundle: Path) -> None:
    with pytest.raises(ModelError, match="has no detector of anomalies, it was made for events"):
        _ = Bundle.open(beep_parts / "bundle").detector
    with pytest.raises(ModelError, match="has no model of events, it was made for detector"):
        _ = Bundle.open(fan_bundle).events
    assert Bundle.open(beep_parts / "bundle").manifest["labels"] == ["Beep"]
