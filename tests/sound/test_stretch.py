import librosa
import numpy as np
import pytest

from stethoscope.sound.stretch import stretch

RATE = 16_000


def sound(seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    tones = 0.3 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(
        2 * np.pi * (900 + 300 * time) * time
    )
    return (tones + 0.05 * np.random.default_rng(0).standard_normal(len(time))).astype(np.float32)


@pytest.mark.parametrize("rate", [0.5, 0.8, 0.97, 1.25, 2.0])
def test_stretching_equals_librosa(rate: float) -> None:
    ours, theirs = stretch(sound(), rate), librosa.effects.time_stretch(sound(), rate=rate)
    assert len(ours) == len(theirs) == round(RATE / rate)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.999
    np.testing.assert_allclose(ours, theirs, atol=5e-3)


@pytest.mark.parametrize("rate", [0.7, 1.4])
def test_pitch_stays_and_duration_changes(rate: float) -> None:
    """A tone of 1 kHz that sounds from 0.5 to 1 s sounds from 0.5 to 1 s divided by the rate, at 1
    kHz.
    """
    time = np.arange(2 * RATE) / RATE
    tone = np.where((time >= 0.5) & (time < 1.0), np.sin(2 * np.pi * 1000 * time), 0.0).astype(
        np.float32
    )
    stretched = stretch(tone, rate)
    spectrum = np.abs(np.fft.rfft(stretched * np.hanning(len(stretched))))
    assert np.fft.rfftfreq(len(stretched), 1 / RATE)[spectrum.argmax()] == pytest.approx(
        1000, abs=3
    )
    loud = np.flatnonzero(np.abs(stretched) > 0.3) / RATE
    assert loud[0] == pytest.approx(0.5 / rate, abs=0.05)
    assert loud[-1] == pytest.approx(1.0 / rate, abs=0.05)


def test_channels_and_short_sounds_are_stretched() -> None:
    both = np.stack([sound(), sound()[::-1]])
    np.testing.assert_array_equal(stretch(both, 1.3)[1], stretch(both[1], 1.3))
    assert len(stretch(sound(0.01), 0.5)) == 320
    assert np.isfinite(stretch(np.zeros(10, dtype=np.float32), 2.0)).all()
