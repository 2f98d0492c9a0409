import numpy as np
import pytest

from stethoscope.detection.spectra import NormalSpectra

SPECTRA = NormalSpectra(np.array([[-30.0, -40.0, -50.0, -156.5]]), np.array([[4.0, 4.0, 4.0, 0.0]]))


def test_a_clip_made_usual_has_the_spectrum_of_the_machine_at_its_own_level() -> None:
    rng = np.random.default_rng(0)
    frames = (SPECTRA.mean[0] - 12.0 + rng.normal(size=(500, 4))).astype(np.float32)
    frames[:, 1] += 9.0
    usual = SPECTRA.as_usual(frames, 0)
    np.testing.assert_allclose(usual.mean(axis=0), SPECTRA.mean[0] - 12.0, atol=0.2)


def test_only_what_fluctuates_more_than_usual_is_made_steadier() -> None:
    rng = np.random.default_rng(1)
    deviations = np.array([1.0, 2.0, 6.0, 0.1])
    frames = (SPECTRA.mean[0] + deviations * rng.normal(size=(2000, 4))).astype(np.float32)
    usual = SPECTRA.as_usual(frames, 0).std(axis=0)
    assert usual == pytest.approx([1.0, 2.0, 2.0, 0.1], rel=0.1)
