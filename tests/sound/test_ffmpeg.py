import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from stethoscope.errors import AudioError
from stethoscope.processes import _setpriv, bound_program
from stethoscope.sound.audio import decode, load

RATE = 16_000
TONE = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)).astype(np.float32)

needs_ffmpeg = pytest.mark.skipif(
    not shutil.which("ffmpeg") and not os.environ.get("CI"), reason="ffmpeg is not installed"
)


@pytest.fixture(scope="session")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of a tone at 1 kHz, in the formats that are read through ffmpeg."""
    folder = tmp_path_factory.mktemp("coded")
    soundfile.write(folder / "tone.wav", TONE, RATE)
    for name, codec in (
        ("tone.m4a", "aac"),
        ("tone.aac", "aac"),
        ("tone.webm", "libopus"),
        ("lossless.m4a", "alac"),
    ):
        command = ["ffmpeg", "-loglevel", "error", "-i", "tone.wav", "-c:a", codec, name]
        subprocess.run(command, cwd=folder, check=True)
    return folder


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "coding", "lossy"),
    [
        ("tone.m4a", "AAC", True),
        ("tone.aac", "AAC", True),
        ("tone.webm", "OPUS", True),
        ("lossless.m4a", "ALAC", False),
    ],
)
def test_recordings_are_read_through_ffmpeg(
    coded: Path, name: str, coding: str, lossy: bool
) -> None:
    for source in (coded / name, (coded / name).read_bytes()):
        decoded = decode(source)
        assert (decoded.coding, decoded.lossy) == (coding, lossy)
        samples, _ = load(source, sample_rate=RATE)
        spectrum = np.abs(np.fft.rfft(samples[:RATE]))
        assert spectrum.argmax() == 1000
        assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)


@needs_ffmpeg
def test_lossless_recording_keeps_its_samples(coded: Path) -> None:
    np.testing.assert_array_equal(
        decode(coded / "lossless.m4a").samples, decode(coded / "tone.wav").samples
    )


@needs_ffmpeg
def test_bounds_hold_for_what_ffmpeg_reads(coded: Path) -> None:
    with pytest.raises(AudioError, match=r"lasts . s, at most 0 s"):
        decode(coded / "tone.m4a", max_seconds=0.4)
    with pytest.raises(AudioError, match="holds more than 100 samples"):
        decode(coded / "tone.m4a", max_samples=100)


@needs_ffmpeg
def test_damaged_recording_is_named(coded: Path) -> None:
    content = (coded / "tone.m4a").read_bytes()
    with pytest.raises(AudioError, match=r"clip\.m4a: holds no sound that ffmpeg can decode"):
        decode(content[:40] + bytes(400), name="clip.m4a")


@needs_ffmpeg
def test_ffmpeg_opens_no_other_file_than_the_recording(coded: Path, tmp_path: Path) -> None:
    """A QuickTime file may refer to the samples of another file."""
    playlist = b"#EXTM3U\n#EXTINF:1,\nfile:" + str(coded / "tone.wav").encode() + b"\n"
    for disguise in (b"\x1a\x45\xdf\xa3", b"\0\0\0\x1cftypM4A "):
        with pytest.raises(AudioError, match="holds no sound"):
            decode(disguise + playlist)


def test_without_ffmpeg_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AudioError, match=r"clip\.m4a: M4A is read through ffmpeg.*not installed"):
        decode(b"\0\0\0\x1cftypM4A \0\0\2\0", name="clip.m4a")


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
def test_ffmpeg_ends_when_the_process_that_waits_for_it_is_killed(tmp_path: Path) -> None:
    (tmp_path / "ffmpeg").write_text('#!/bin/sh\necho $$ > "$0.pid"\nexec sleep 600\n')
    (tmp_path / "ffmpeg").chmod(0o755)
    os.mkfifo(tmp_path / "ffmpeg.pid")
    (tmp_path / "clip.m4a").write_bytes(b"\0\0\0\x1cftypM4A \0\0\2\0")
    program = "import sys; from stethoscope.sound.audio import decode; decode(sys.argv[1])"
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "clip.m4a")],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    with open(os.open(tmp_path / "ffmpeg.pid", os.O_RDONLY | os.O_NONBLOCK)) as started:
        assert select.select([started], [], [], 60)[0], "ffmpeg was not started"
        child = psutil.Process(int(started.readline()))
    parent.kill()
    parent.wait()
    child.wait(60)


def test_program_is_started_without_setpriv_where_it_cannot_do_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "setpriv").write_text("#!/bin/sh\nexit 1\n")  # as that of BusyBox
    (tmp_path / "setpriv").chmod(0o755)
    for path in (str(tmp_path), ""):
        _setpriv.cache_clear()
        monkeypatch.setenv("PATH", path)
        assert bound_program("ffmpeg", "-i") == ["ffmpeg", "-i"]
    _setpriv.cache_clear()
