import librosa
import numpy as np
import pytest

from stethoscope.errors import ParameterError
from stethoscope.sound.logmel import LogMel, mel_filters


def sound(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(n) / 16_000
    return (0.1 * np.sin(2 * np.pi * 440 * time) + 0.02 * rng.standard_normal(n)).astype(np.float32)


@pytest.mark.parametrize("pad_mode", ["reflect", "constant"])
@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "hop_length", "n_mels", "power"),
    [
        (16_000, 1024, 512, 128, 2.0),
        (16_000, 1024, 512, 64, 1.0),
        (44_100, 2048, 512, 128, 2.0),
        (8_000, 400, 160, 40, 2.0),
    ],
)
def test_frames_equal_librosa(
    pad_mode: str, sample_rate: int, n_fft: int, hop_length: int, n_mels: int, power: float
) -> None:
    samples = sound(20_000)
    feature = LogMel(
        sample_rate=sample_rate,
        n_fft=n_fft,
        hop_length=hop_length,
        n_mels=n_mels,
        power=power,
        pad_mode=pad_mode,
    )
    mel = librosa.feature.melspectrogram(
        y=samples,
        sr=sample_rate,
        n_fft=n_fft,
        hop_length=hop_length,
        n_mels=n_mels,
        power=power,
        pad_mode=pad_mode,
    )
    expected = 20.0 / power * np.log10(mel + np.finfo(float).eps)
    np.testing.assert_allclose(feature.extract(samples), expected.T, atol=1e-3)


@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "n_mels"),
    [(16_000, 1024, 128), (22_050, 2048, 40), (44_100, 1024, 64)],
)
def test_filters_equal_librosa(sample_rate: int, n_fft: int, n_mels: int) -> None:
    expected = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels)
    np.testing.assert_allclose(mel_filters(sample_rate, n_fft, n_mels), expected, atol=1e-8)


@pytest.mark.parametrize("n_samples", [1, 2, 511, 512, 513, 1024])
def test_short_clips_have_the_declared_number_of_frames(n_samples: int) -> None:
    feature = LogMel(sample_rate=16_000)
    frames = feature.extract(sound(n_samples))
    assert frames.shape == (feature.n_frames(n_samples), 128)
    assert np.isfinite(frames).all()


def test_silence_is_finite() -> None:
    frames = LogMel(sample_rate=16_000).extract(np.zeros(4096, dtype=np.float32))
    np.testing.assert_allclose(frames, 10 * np.log10(np.finfo(float).eps), rtol=1e-6)


def test_definition_is_rebuilt_from_json() -> None:
    feature = LogMel(sample_rate=22_050, n_mels=40, power=1.0, pad_mode="constant")
    assert LogMel.from_json(feature.to_json()) == feature


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_mels": 0}, "n_mels is 0"),
        ({"n_fft": 4}, "n_fft is 4"),
        ({"hop_length": 2048}, "hop_length is 2048"),
        ({"n_mels": 600}, "n_mels is 600"),
        ({"power": 0.0}, "power is 0.0"),
        ({"power": float("nan")}, "power is nan"),
        ({"pad_mode": "wrap"}, "pad_mode is 'wrap'"),
        ({"channel": -1}, "channel is -1"),
    ],
)
def test_impossible_parameters_are_named(values: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        LogMel(**values)
