import librosa
import numpy as np
import pytest

from stethoscope.detection.identity.inputs import ClipInputs, Resolutions, mean_spectrum
from stethoscope.sound.sampled import SampledLogMel


def test_windows_cover_the_clip_and_overlap_by_half() -> None:
    rows = np.arange(40, dtype=np.float32)[:, np.newaxis]
    windows = ClipInputs(rows, np.array([7.0, 8.0], dtype=np.float32)).windows(16)
    assert windows.shape == (4, 18)
    assert windows[:, 0].tolist() == [0, 8, 16, 24]
    assert set(windows[:, :-2].ravel()) == set(range(40))
    assert (windows[:, -2:] == [7.0, 8.0]).all()


def test_a_short_clip_is_repeated() -> None:
    rows = np.arange(8, dtype=np.float32).reshape(4, 2)
    windows = ClipInputs(rows, np.zeros(1, dtype=np.float32)).windows(8)
    np.testing.assert_array_equal(windows[0, :-1].reshape(8, 2), np.concatenate([rows, rows]))


def test_a_tone_is_in_its_bin_of_the_spectrum() -> None:
    tone = np.sin(2 * np.pi * 3000.0 * np.arange(20_000) / 16_000).astype(np.float32)
    assert mean_spectrum(tone, 400).argmax() == int(3000 / 8000 * 400) - 1
    noise = np.random.default_rng(0).normal(0, 0.5, 100_000).astype(np.float32)
    powers = 10 ** (mean_spectrum(noise, 50) / 10)
    assert powers.mean() == pytest.approx(np.mean(noise**2) / 2 * 2, rel=0.02)  # of both halves
    assert mean_spectrum(noise[:100], 400).shape == (400,)  # fewer samples than bins


def test_the_level_of_a_recording_changes_nothing() -> None:
    feature = SampledLogMel(sample_rate=16_000, n_mels=16)
    samples = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    loud, quiet = (
        Resolutions(feature, 64).of(feature.extract(np.float32(gain) * samples))
        for gain in (1.0, 0.1)
    )
    np.testing.assert_allclose(quiet.rows, loud.rows, atol=1e-2)
    np.testing.assert_allclose(quiet.spectrum, loud.spectrum, atol=1e-2)


def test_the_short_and_the_long_resolution_equal_librosas() -> None:
    feature = SampledLogMel(sample_rate=16_000, n_mels=32)
    samples = np.random.default_rng(0).normal(0, 0.1, 16_384).astype(np.float32)
    resolutions = Resolutions(feature)
    rows = resolutions.of(feature.extract(samples)).rows
    for n_fft, hop, bands, frames, columns in (
        (256, 128, 8, 4 * 32, slice(0, 32)),
        (1024, 512, 32, 32, slice(32, 64)),
        (4096, 2048, 128, 8, slice(64, 96)),
    ):
        mel = librosa.feature.melspectrogram(
            y=np.concatenate([samples, np.zeros(512, np.float32)])[:16_384],
            sr=16_000,
            n_fft=n_fft,
            hop_length=hop,
            n_mels=bands,
            pad_mode="reflect",
        )
        expected = (10 * np.log10(mel + np.finfo(float).eps)).T[:frames]
        found = rows[:, columns].reshape(frames, bands)
        np.testing.assert_allclose(found, expected - expected.mean(), atol=2e-2)
