import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.errors import AudioError, ParameterError
from stethoscope.watch.stream import SoundFormat, keep_clip, open_source, windows


def test_windows_of_a_pipe_are_wavs_of_its_samples() -> None:
    form = SoundFormat(rate=8000, channels=2)
    samples = np.random.default_rng(0).integers(-9999, 9999, (20_000, 2), dtype="<i2")
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(samples.tobytes())

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb") as file:
        found = list(windows(file, form, threading.Event(), seconds=1.0))
    thread.join()
    assert len(found) == 2  # the last half second is left out
    for number, (wav, recording) in enumerate(found):
        read, rate = soundfile.read(io.BytesIO(wav), dtype="int16")
        assert rate == 8000
        np.testing.assert_array_equal(read, samples[8000 * number : 8000 * (number + 1)])
        assert recording.key[0].endswith(".flac")
    assert found[0][1].recorded_at <= found[1][1].recorded_at


def test_stream_that_is_stopped_ends_without_sound() -> None:
    reading, writing = os.pipe()
    stopped = threading.Event()
    stopped.set()
    with os.fdopen(reading, "rb") as file, os.fdopen(writing, "wb"):
        assert list(windows(file, SoundFormat(), stopped, seconds=1.0)) == []


def test_kept_clip_has_the_samples(tmp_path: Path) -> None:
    samples = np.arange(-500, 500, dtype="<i2").reshape(-1, 1)
    keep_clip(tmp_path / "clips", "a.flac", SoundFormat().wav(samples.tobytes()))
    read, _ = soundfile.read(tmp_path / "clips" / "a.flac", dtype="int16", always_2d=True)
    np.testing.assert_array_equal(read, samples)


def test_sound_card_needs_arecord_and_reports_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(AudioError, match="arecord, which is not installed; install alsa-utils"),
        open_source("hw:9", SoundFormat()),
    ):
        pass
    program = tmp_path / "arecord"
    program.write_text("#!/bin/sh\necho 'audio open error: No such device' >&2\nexit 1\n")
    program.chmod(0o755)
    with (
        pytest.raises(AudioError, match="--stream hw:9: audio open error: No such device"),
        open_source("hw:9", SoundFormat()) as file,
    ):
        assert list(windows(file, SoundFormat(), threading.Event(), seconds=1.0)) == []


def test_formats_out_of_range_are_refused() -> None:
    for options in ({"rate": 0}, {"rate": 10**6}, {"channels": 0}, {"channels": 100}):
        with pytest.raises(ParameterError, match=r"--(rate|channels) is"):
            SoundFormat(**options)
