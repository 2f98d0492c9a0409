import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.errors import AudioError
from stethoscope.sound.audio import decode, load
from stethoscope.sound.parts import LongSource


def encoded(
    samples: np.ndarray, rate: int = 16_000, kind: str = "WAV", subtype: str = "PCM_16"
) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "subtype", "tolerance"),
    [
        ("WAV", "PCM_16", 1e-4),
        ("WAV", "PCM_24", 1e-6),
        ("WAV", "PCM_U8", 1e-2),
        ("WAV", "FLOAT", 0.0),
        ("WAV", "DOUBLE", 1e-7),
        ("FLAC", "PCM_16", 1e-4),
    ],
)
def test_formats_decode_to_the_same_samples(kind: str, subtype: str, tolerance: float) -> None:
    samples = (0.5 * np.sin(np.arange(1600) / 7)).astype(np.float32)
    decoded = decode(encoded(samples, kind=kind, subtype=subtype))
    assert decoded.sample_rate == 16_000
    assert decoded.samples.dtype == np.float32
    assert (decoded.lossy, decoded.missing_seconds) == (False, 0.0)
    np.testing.assert_allclose(decoded.samples, samples[np.newaxis], atol=tolerance)


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("WAV", "MS_ADPCM")],
)
def test_lossy_formats_decode_and_are_known_as_lossy(kind: str, subtype: str) -> None:
    tone = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)).astype(np.float32)
    decoded = decode(encoded(tone, kind=kind, subtype=subtype))
    assert decoded.lossy
    assert decoded.sample_rate == 16_000
    assert np.abs(np.fft.rfft(decoded.samples[0], n=16_000)).argmax() == 1000


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_whole_samples_are_those_of_libsndfile_exactly(kind: str) -> None:
    samples = np.arange(-32768, 32768, dtype=np.int16).reshape(-1, 2)
    content = io.BytesIO()
    soundfile.write(content, samples, 16_000, format=kind, subtype="PCM_16")
    expected, _ = soundfile.read(io.BytesIO(content.getvalue()), dtype="float32")
    np.testing.assert_array_equal(decode(content.getvalue()).samples.T, expected)


@pytest.mark.parametrize("kind", ["AIFF", "AU", "CAF", "W64", "VOC", "NIST", "IRCAM", "MAT5"])
def test_formats_that_are_not_listed_are_refused_by_their_content(kind: str) -> None:
    content = encoded(np.zeros(1600, dtype=np.float32), kind=kind)
    with pytest.raises(AudioError, match=r"clip.wav: not a readable.*WAV, FLAC, OGG"):
        decode(content, name="clip.wav")


@pytest.mark.parametrize(("kind", "bits"), [("WAV", 16), ("RF64", 16), ("WAVEX", 24)])
def test_wav_that_was_cut_off_tells_what_is_missing(kind: str, bits: int) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    content = encoded(noise, kind=kind, subtype=f"PCM_{bits}")
    assert decode(content).missing_seconds == 0.0
    cut = decode(content[: -8_000 * bits // 8])
    assert cut.missing_seconds == pytest.approx(0.5, abs=0.01)
    assert cut.seconds == pytest.approx(0.5, abs=0.01)


def test_wav_that_was_written_to_a_pipe_is_complete() -> None:
    content = bytearray(encoded(np.zeros(1600, dtype=np.float32)))
    for size in (0xFFFFFFFF, 0x7FFFFFFF - 36):
        content[40:44] = size.to_bytes(4, "little")
        assert decode(bytes(content)).missing_seconds == 0.0


def test_recording_that_unpacks_to_too_many_samples_is_not_decoded() -> None:
    bomb = encoded(np.zeros((8_000_000, 4), dtype=np.int16), rate=48_000, kind="FLAC")
    assert len(bomb) < 100_000
    with pytest.raises(AudioError, match="unpack to 128,000,000"):
        decode(bomb)
    with pytest.raises(AudioError, match="holds 32,000,000 samples, at most 1,000,000"):
        decode(bomb, max_samples=1_000_000)


def test_tone_keeps_its_frequency_when_resampled() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(44_100) / 44_100).astype(np.float32)
    samples, rate = load(encoded(tone, rate=44_100), sample_rate=16_000)
    assert rate == 16_000
    assert len(samples) == 16_000
    assert np.abs(np.fft.rfft(samples)).argmax() == 1000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no samples; record it again"),
        (b"hello, this is text", "not a readable"),
        (encoded(np.zeros(0, dtype=np.float32)), "no samples"),
        (encoded(np.full(99, np.nan, dtype=np.float32), subtype="FLOAT"), "NaN or infinite"),
        (encoded(np.full(99, np.inf, dtype=np.float32), subtype="FLOAT"), "NaN or infinite"),
    ],
)
def test_unusable_recordings_are_named(content: bytes, reason: str) -> None:
    with pytest.raises(AudioError, match=f"pump.wav: .*{reason}"):
        decode(content, name="pump.wav")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no such file"):
        decode(tmp_path / "absent.wav")


def test_folder_is_not_a_recording(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="not a readable"):
        decode(tmp_path)


def test_too_long_recordings_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(AudioError, match="lasts 2 s, at most 1 s"):
        decode(encoded(np.zeros(32_000, dtype=np.float32)), max_seconds=1.0)


@given(st.data())
def test_damaged_headers_raise_only_audio_errors(data: st.DataObject) -> None:
    content = bytearray(encoded(np.zeros(64, dtype=np.float32)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        samples, rate = load(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except AudioError:
        return
    assert rate > 0
    assert np.isfinite(samples).all()


def test_recording_of_less_than_a_sample_at_the_wanted_rate_is_refused() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.ones(100), 500_000_000, format="WAV")
    with pytest.raises(AudioError, match="less than a sample at 16000 Hz"):
        load(buffer.getvalue(), sample_rate=16_000)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EACCES, "permission denied; change its permissions"),
        (errno.EIO, "the disk reports an error; check the disk"),
        (errno.EMFILE, "too many files are open"),
        (errno.EINVAL, "not a readable recording; these formats are read"),
    ],
)
def test_reason_of_the_system_is_told_apart_from_a_damaged_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", refuse)
    for read in (decode, lambda path: LongSource(path).__enter__()):
        with pytest.raises(AudioError, match=rf"a\.wav: {message}"):
            read(tmp_path / "a.wav")
