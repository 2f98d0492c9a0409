"""From scores to events."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.bundle import Bundle
from stethoscope.cli import main
from stethoscope.errors import ModelError, ParameterError
from stethoscope.events import Debounce, Event, EventDetector, normalise, window_labels, windows_of
from tests.sounds import beeps
from tests.test_layers import HEAVY


def runs(scores: list[float], **options: int) -> list[tuple[int, int, float, int]]:
    debounce = Debounce(**options)
    return debounce.runs(debounce.smooth(np.array(scores, dtype=np.float32)), 0.5)


def test_smoothing_is_a_running_mean() -> None:
    assert Debounce(smoothing=3).smooth(np.array([3, 0, 0, 6], dtype=np.float32)) == pytest.approx([1, 1, 1, 2])
    assert Debounce(smoothing=1).smooth(np.array([0.2, 0.9], dtype=np.float32)) == pytest.approx([0.2, 0.9])


def test_an_event_reaches_from_its_first_to_its_last_window() -> None:
    assert runs([0, 0, 1, 1, 1, 0, 0, 0, 0], smoothing=1, hold_off=2) == [(2, 4, 1.0, 2)]
    # The mean of three exceeds a half from window 3 to 5; it stands for the windows 2 to 4.
    assert [run[:2] for run in runs([0, 0, 1, 1, 1, 0, 0, 0, 0], smoothing=3, hold_off=2)] == [(2, 4)]


def test_hold_off_bridges_gaps_and_smoothing_drops_spikes() -> None:
    assert [run[:2] for run in runs([1, 1, 0, 1, 1, 0, 0, 0], smoothing=1, hold_off=2)] == [(0, 4)]
    assert [run[:2] for run in runs([1, 1, 0, 1, 1, 0, 0, 0], smoothing=1, hold_off=1)] == [(0, 1), (3, 4)]
    assert runs([0, 0, 0, 1, 0, 0, 0], smoothing=3, hold_off=1) == []


def test_an_event_that_is_on_at_the_end_is_told() -> None:
    assert [run[:2] for run in runs([0, 0, 1, 1], smoothing=1, hold_off=4)] == [(2, 3)]


def test_what_is_too_short_is_dropped_and_a_stream_waits_until_it_is_sure() -> None:
    assert runs([1, 1, 0, 0, 1, 1, 1, 0, 0], smoothing=1, hold_off=1, min_windows=3) == [(4, 6, 1.0, 6)]


@given(st.lists(st.floats(0, 1, width=32), max_size=60), st.sampled_from([1, 3, 5]), st.integers(1, 5))
def test_events_are_in_order_apart_and_inside(scores: list[float], smoothing: int, hold_off: int) -> None:
    found = runs(scores, smoothing=smoothing, hold_off=hold_off)
    for first, last, best, known in found:
        assert 0 <= first <= last < len(scores)
        assert 0.5 < best <= 1.0001
        assert known < len(scores)
    assert all(after[0] > before[1] for before, after in pairwise(found))


@pytest.mark.parametrize("wrong", [{"smoothing": 2}, {"smoothing": 0}, {"hold_off": 0}, {"min_windows": 0}])
def test_what_cannot_debounce_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        Debounce(**wrong)


def test_a_window_counts_only_if_it_lies_wholly_inside() -> None:
    """The example of the field's notebook: a window from 25.28 s is outside 25.29 to 26.29 s, the next one inside."""
    length = 31 * 128 + 256
    starts = np.array([round(25.28 * 16000), round(25.28 * 16000) + 1024, round(26.29 * 16000) - length, round(26.29 * 16000) - length + 1])
    assert window_labels([(25.29, 26.29)], starts, length, 16000).tolist() == [0, 1, 1, 0]


def test_windows_are_cut_in_order() -> None:
    frames = np.arange(20, dtype=np.float32).reshape(10, 2)
    assert (windows_of(frames, 4, 3)[1] == frames[3:7]).all()
    assert normalise(frames, 1.0, 2.0)[0] == pytest.approx([-0.5, 0.0])


def test_events_of_a_recording_are_found(beep_parts: Path, beep_folder: Path) -> None:
    """A recording that nothing was trained on: the test part has other ones, this one is new."""
    new = beep_parts / "new"
    beeps(new, "x", seed=99)
    truth = [tuple(map(float, line.split("\t")[:2])) for line in (new / "labels_x.txt").read_text().splitlines()]
    for network in ("float", "int8"):
        found = EventDetector.open(beep_parts / "model", network).listen(new / "audio_x.wav")
        assert len(found) == len(truth)
        for event, (start, end) in zip(found, truth, strict=True):
            assert isinstance(event, Event)
            assert event.start == pytest.approx(start, abs=0.2)
            assert event.end == pytest.approx(end, abs=0.2)
            assert start < event.told < end


def test_the_command_lists_events_and_names_what_it_cannot_use(
    beep_parts: Path, beep_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    file = str(beep_folder / "audio_00.wav")
    assert main(["events", str(beep_parts / "bundle"), file, str(tmp_path / "broken.wav")]) == 0
    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert good["File"] == file
    assert set(good["Events"][0]) == {"start", "end", "score", "told"}
    assert "broken.wav: not a readable" in bad["Error"]


def test_events_need_none_of_the_heavy_packages(beep_parts: Path, beep_folder: Path) -> None:
    program = f"""
import sys
for name in {HEAVY!r}:
    sys.modules[name] = None
from stethoscope.cli import main
sys.exit(main(["events", sys.argv[1], sys.argv[2]]))
"""
    command = [sys.executable, "-c", program, str(beep_parts / "bundle"), str(beep_folder / "audio_00.wav")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert '"start"' in done.stdout


def test_roles_that_a_bundle_lacks_are_named(beep_parts: Path, fan_bundle: Path) -> None:
    with pytest.raises(ModelError, match="has no detector of anomalies, it was made for events"):
        _ = Bundle.open(beep_parts / "bundle").detector
    with pytest.raises(ModelError, match="has no model of events, it was made for detector"):
        _ = Bundle.open(fan_bundle).events
    assert Bundle.open(beep_parts / "bundle").manifest["labels"] == ["Beep"]
