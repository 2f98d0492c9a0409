import librosa
import numpy as np
import pytest

from stethoscope.errors import ParameterError
from stethoscope.sound.audio import Samples
from stethoscope.sound.feature import feature_from_json
from stethoscope.sound.mfcc import Mfcc


def sound(n: int, rate: int) -> Samples:
    """Return a tone that fades into silence, over a little noise."""
    time = np.arange(n) / rate
    tone = 0.3 * np.exp(-9.0 * time) * np.sin(2 * np.pi * 440 * time)
    return (tone + 1e-5 * np.random.default_rng(0).standard_normal(n)).astype(np.float32)


@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "hop_length", "n_mels", "n_mfcc"),
    [(22_050, 2048, 512, 128, 40), (16_000, 1024, 512, 64, 20), (44_100, 2048, 1024, 40, 40)],
)
def test_frames_equal_librosa(
    sample_rate: int, n_fft: int, hop_length: int, n_mels: int, n_mfcc: int
) -> None:
    samples = sound(2 * sample_rate, sample_rate)
    feature = Mfcc(
        sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, n_mfcc=n_mfcc
    )
    expected = librosa.feature.mfcc(
        y=samples, sr=sample_rate, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels, n_mfcc=n_mfcc
    )
    np.testing.assert_allclose(feature.extract(samples), expected.T, atol=1e-3)


def test_silence_equals_librosa() -> None:
    silence = np.zeros(22_050, dtype=np.float32)
    np.testing.assert_allclose(
        Mfcc(sample_rate=22_050).extract(silence),
        librosa.feature.mfcc(y=silence, sr=22_050, n_mfcc=40).T,
        rtol=2e-6,
        atol=1e-3,
    )


@pytest.mark.parametrize("n_samples", [1, 511, 512, 513])
def test_short_clips_have_the_declared_number_of_frames(n_samples: int) -> None:
    assert Mfcc(sample_rate=22_050).extract(sound(n_samples, 22_050)).shape == (
        Mfcc().n_frames(n_samples),
        40,
    )


def test_definition_is_rebuilt_from_json() -> None:
    feature = Mfcc(sample_rate=16_000, n_mfcc=13, top_db=60.0)
    assert feature_from_json(feature.to_json()) == feature


@pytest.mark.parametrize(
    "wrong", [{"n_mfcc": 129}, {"n_mfcc": 0}, {"top_db": 0.0}, {"n_fft": 4}, {"hop_length": 4096}]
)
def test_impossible_values_are_refused(wrong: dict[str, int]) -> None:
    name, value = next(iter(wrong.items()))
    with pytest.raises(ParameterError, match=f"{name} is {value}"):
        Mfcc(**wrong)
