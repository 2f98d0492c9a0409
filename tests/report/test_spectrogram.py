"""Spectrograms: scaling and axes."""

import numpy as np
import pytest

from stethoscope.report.spectrogram import (
    band_centres,
    level_scale,
    levels_of,
    spectrogram,
    time_axis,
    value_axis,
)
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes
from tests.report.fixtures import Page

librosa = pytest.importorskip("librosa")


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels"), [(16000, 1024, 128), (48000, 2048, 64), (16000, 512, 128)]
)
def test_band_centres_are_those_of_librosa(rate: int, n_fft: int, n_mels: int) -> None:
    centres = band_centres(LogMel(sample_rate=rate, n_fft=n_fft, n_mels=n_mels))
    expected = librosa.mel_frequencies(n_mels + 2, fmax=rate / 2)[1:-1]
    assert (np.diff(centres) >= 0).all()
    # The filters are sampled at the lines of the spectrum.
    np.testing.assert_allclose(centres, expected, atol=1.5 * rate / n_fft)


def test_scaling_ends_at_percentiles_of_the_values() -> None:
    frames = np.linspace(-40, 0, 1001, dtype=np.float32)[:, np.newaxis]
    dark, bright = levels_of([frames], LogMel(n_mels=1))
    assert dark == pytest.approx(-40 + 0.03 * 40, abs=0.1)
    assert bright == pytest.approx(-0.003 * 40, abs=0.1)


def test_clips_that_are_compared_share_the_lowest_and_highest_level() -> None:
    quiet = np.linspace(-60, -30, 1001, dtype=np.float32)[:, np.newaxis]
    loud = quiet + 20
    dark, bright = levels_of([quiet, loud], LogMel(n_mels=1))
    assert dark == levels_of([quiet], LogMel(n_mels=1))[0]
    assert bright == levels_of([loud], LogMel(n_mels=1))[1]


def test_scale_is_in_db_below_the_loudest() -> None:
    assert "−50 dB" in level_scale((-60.0, -10.0), LogMel())
    bands = BandSpectrum(sample_rate=16000, n_fft=256, n_bands=48)
    assert "−40 dB" in level_scale((0.0, np.log(100.0)), bands)  # a hundredfold magnitude


def test_scaling_shows_at_most_70_db_so_that_digital_silence_is_black() -> None:
    frames = np.full((100, 4), -200.0, dtype=np.float32)
    frames[50:] = np.linspace(-60, 0, 50, dtype=np.float32)[:, np.newaxis]
    dark, bright = levels_of([frames], LogMel(n_mels=4))
    assert bright == pytest.approx(0, abs=1)
    assert dark == pytest.approx(bright - 70)


def test_axes_follow_the_feature() -> None:
    bands = BandSpectrum(sample_rate=16000, n_fft=256, n_bands=48)
    assert value_axis(bands).high == 3.0
    assert value_axis(bands).label == "frequency, kHz"
    assert value_axis(Mfcc(sample_rate=16000)).label == "coefficient"
    assert value_axis(LogMel(sample_rate=16000)).label == "frequency, kHz"
    time = time_axis(101, bands, start=2.0)
    assert (time.low, time.high) == pytest.approx((2.0, 2.8))


def test_spectrogram_of_several_channels_shows_the_first() -> None:
    one = LogMel(sample_rate=16000, n_mels=16)
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 20, 16)).astype(np.float32)
    both = spectrogram(np.hstack([first, second]), Planes(of=one, channels=2), "two channels")
    assert both == spectrogram(first, one, "two channels")
    assert Page(both).root.all("img")[0].attributes["src"].startswith("data:image/webp;base64,")
