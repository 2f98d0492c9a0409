"""Sounds and pictures inside a page."""

import base64
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib import colormaps

from stethoscope.report.media import (
    Sound,
    colour_scale,
    picture,
    player,
    read_sounds,
    sound_address,
    sound_addresses,
)
from stethoscope.sound.audio import load
from tests.report.fixtures import Page

Image = pytest.importorskip("PIL.Image")

TONE = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000).astype(np.float32)


def content_of(address: str) -> io.BytesIO:
    """Return what a data address holds."""
    return io.BytesIO(base64.b64decode(address.partition(",")[2]))


def wav(samples: np.ndarray) -> bytes:
    """Return samples at 48 kHz as a WAV file."""
    file = io.BytesIO()
    soundfile.write(file, samples, 48000, format="WAV", subtype="FLOAT")
    return file.getvalue()


def decode(content: bytes, name: str) -> Sound:
    """Decode as the reports do."""
    return Sound(*load(content, name=name))


def test_cut_takes_seconds_of_every_channel() -> None:
    part = Sound(np.arange(20.0, dtype=np.float32).reshape(2, 10), 2).cut(1.0, 2.5)
    assert part.samples.tolist() == [[2, 3, 4], [12, 13, 14]]
    assert part.seconds == 1.5


def test_high_rates_are_limited_and_low_ones_are_kept() -> None:
    limited = Sound(np.stack([TONE, -TONE]), 48000).limited()
    assert limited.rate == 16000
    assert limited.samples.shape == (2, 16000)
    spectrum = np.abs(np.fft.rfft(limited.samples[0]))
    assert spectrum.argmax() == 1000
    low = Sound(TONE, 8000)
    assert low.limited() is low


def test_sounds_together_have_one_gain() -> None:
    loud, quiet = Sound(0.45 * TONE[:8000], 8000), Sound(0.1 * TONE[:8000], 8000)
    addresses, gain = sound_addresses({"loud": loud, "quiet": quiet})
    assert gain == pytest.approx(2.0, rel=1e-3)
    played, rate = soundfile.read(content_of(addresses["quiet"]))
    assert rate == 8000
    np.testing.assert_allclose(played, 2 * quiet.samples, atol=2**-14)


def test_single_sound_has_full_level_and_silence_stays_silent() -> None:
    played, _ = soundfile.read(content_of(sound_address(Sound(0.01 * TONE, 8000))))
    assert np.abs(played).max() == pytest.approx(0.9, abs=1e-3)
    silence, _ = soundfile.read(content_of(sound_address(Sound(0 * TONE, 8000))))
    assert not silence.any()


def test_unreadable_recordings_and_archives_are_left_out(tmp_path: Path) -> None:
    good = tmp_path / "good.zip"
    with zipfile.ZipFile(good, "w") as archive:
        archive.writestr("a.wav", wav(TONE))
        archive.writestr("broken.wav", b"RIFF")
    (tmp_path / "bad.zip").write_bytes(b"PK cut off")
    wanted = [("good.zip", "a.wav"), ("good.zip", "broken.wav"), ("bad.zip", "c.wav")]
    found = dict(read_sounds([tmp_path / "bad.zip", good], wanted, decode))
    assert list(found) == [("good.zip", "a.wav")]
    np.testing.assert_array_equal(found["good.zip", "a.wav"].samples, TONE)


def test_player_without_sound_is_a_sentence() -> None:
    assert "not included" in Page(player(None, "a.wav")).root.text
    [audio] = Page(player("data:audio/flac;base64,", "a.wav")).root.all("audio")
    assert audio.attributes["aria-label"] == "Recording a.wav"


def test_picture_has_the_first_band_at_the_bottom() -> None:
    values = np.zeros((64, 32))
    values[:, :16] = 1.0  # the lower half is bright
    [image] = Page(picture(values, "bone")).root.all("img")
    pixels = np.asarray(Image.open(content_of(str(image.attributes["src"]))).convert("RGB"))
    assert pixels.shape == (32, 64, 3)
    assert pixels[-8:].mean() > 240
    assert pixels[:8].mean() < 15


def test_colour_scale_has_the_colours_of_the_map() -> None:
    scale = colour_scale("quiet", "loud", "bone")
    first, last = (bytes(colormaps["bone"](end, bytes=True)[:3]).hex() for end in (0.0, 1.0))
    assert f"#{first}," in scale
    assert f"#{last})" in scale
    assert Page(scale).root.text == "quietloud"
