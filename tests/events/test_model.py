from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.errors import AudioError, ModelError
from stethoscope.events.model import Event, EventDetector, normalise, window_labels, windows_of
from tests.sounds import beeps


def test_window_is_positive_only_if_it_lies_wholly_inside_an_event() -> None:
    """The window from 25.28 s is not inside an event of 25.29 to 26.29 s, the next one is."""
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


def test_windows_are_cut_at_the_stride_and_normalised() -> None:
    frames = np.arange(20, dtype=np.float32).reshape(10, 2)
    assert (windows_of(frames, 4, 3)[1] == frames[3:7]).all()
    assert normalise(frames, 1.0, 2.0)[0] == pytest.approx([-0.5, 0.0])


def test_events_of_a_new_recording_are_found(beep_parts: Path, tmp_path: Path) -> None:
    beeps(tmp_path, "x", seed=99)
    truth = [
        tuple(map(float, line.split("\t")[:2]))
        for line in (tmp_path / "labels_x.txt").read_text().splitlines()
    ]
    for network in ("float", "int8"):
        found = EventDetector.open(beep_parts / "model", network).find(tmp_path / "audio_x.wav")
        assert len(found) == len(truth)
        for event, (start, end) in zip(found, truth, strict=True):
            assert isinstance(event, Event)
            assert event.start == pytest.approx(start, abs=0.2)
            assert event.end == pytest.approx(end, abs=0.2)
            assert start < event.reported_at < end


def test_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"kind": "classifier", "schema_version": 1}')
    with pytest.raises(ModelError, match="holds a model of kind 'classifier'"):
        EventDetector.open(tmp_path)


def test_network_that_the_model_lacks_is_refused(beep_parts: Path) -> None:
    with pytest.raises(ModelError, match="has no half network; it has float, int8"):
        EventDetector.open(beep_parts / "model", "half")


def test_recording_shorter_than_a_window_is_refused(beep_parts: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", np.zeros(1600), 16000)
    detector = EventDetector.open(beep_parts / "model")
    with pytest.raises(AudioError, match=r"short\.wav: lasts 0\.100 s, the model needs at least"):
        detector.find(tmp_path / "short.wav")
