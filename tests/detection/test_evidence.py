import numpy as np
import pytest

from stethoscope.detection.evidence import STRENGTHS, Evidence, heat, occlusion
from stethoscope.detection.spectra import NormalSpectra

VALUES = np.array([[2.0, -1.0], [0.0, 1.0]], dtype=np.float32)


def test_a_clip_at_or_below_its_threshold_has_no_strengths() -> None:
    for score in (1.0, 0.5, -3.0):
        assert not Evidence(score, VALUES, {}).above(1.0, 0.5).any()


def test_the_mean_strength_is_the_excess_over_the_threshold_in_units() -> None:
    strengths = Evidence(4.0, VALUES, {}).above(1.0, 1.5)
    assert strengths.mean() == pytest.approx((4.0 - 1.0) / 1.5)
    np.testing.assert_allclose(strengths, [[16 / 3, 0.0], [0.0, 8 / 3]], rtol=1e-6)


def test_the_scale_of_colours_is_logarithmic_and_fixed() -> None:
    low, high = STRENGTHS
    given = np.array([0.0, low, (low * high) ** 0.5, high, 10 * high])
    np.testing.assert_allclose(heat(given), [0, 0, 0.5, 1, 1], atol=1e-12)


def test_occlusion_finds_the_tile_that_makes_the_score() -> None:
    """The score is the loudness of two bands in a second of the clip."""
    rng = np.random.default_rng(0)
    frames = (rng.normal(size=(100, 20)) - 40).astype(np.float32)
    frames[30:40, 4:6] += 20.0
    spectra = NormalSpectra(np.full((1, 20), -40.0), np.ones((1, 20)))

    def score(values: np.ndarray) -> float:
        return float(values[30:40, 4:6].mean())

    evidence = occlusion(score, frames, spectra, 0)
    assert evidence.score == score(frames)
    assert evidence.values[30:40, 4:6].sum() == pytest.approx(20.0, abs=1.0)
    evidence.values[30:40, 4:6] = 0
    assert not evidence.values.any()
