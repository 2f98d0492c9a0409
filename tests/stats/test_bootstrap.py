import math

import numpy as np
import pytest
from scipy import stats

from stethoscope.stats.bootstrap import RESAMPLES, area_figure, bootstrap_areas
from stethoscope.stats.roc import area_under_curve


def _draw(n_normal: int, n_anomaly: int, *, shift: float, seed: int):
    anomalous = np.arange(n_normal + n_anomaly) >= n_normal
    return np.random.default_rng(seed).normal(shift * anomalous), anomalous


def _delong_error(scores, anomalous) -> float:
    """Return DeLong's standard error of the AUC."""
    positive, negative = scores[anomalous][:, None], scores[~anomalous]
    wins = (positive > negative) + 0.5 * (positive == negative)
    variance = wins.mean(1).var(ddof=1) / len(positive) + wins.mean(0).var(ddof=1) / len(negative)
    return math.sqrt(variance)


def test_the_first_row_is_what_was_measured():
    scores, anomalous = _draw(30, 40, shift=1, seed=1)
    samples = bootstrap_areas(scores, anomalous, 0.1, np.random.default_rng(0))
    assert samples.shape == (1 + RESAMPLES, 2)
    assert samples[0] == pytest.approx(
        [area_under_curve(scores, anomalous, max_fpr=rate) for rate in (1.0, 0.1)]
    )


def test_the_standard_error_is_delongs():
    scores, anomalous = _draw(100, 100, shift=1.2, seed=5)
    samples = bootstrap_areas(scores, anomalous, 0.1, np.random.default_rng(0))
    assert samples[1:, 0].std() == pytest.approx(_delong_error(scores, anomalous), rel=0.05)


def test_a_perfect_ranking_has_an_exact_bound():
    scores, anomalous = _draw(12, 24, shift=100, seed=0)
    samples = bootstrap_areas(scores, anomalous, 0.1, np.random.default_rng(0))
    figure = area_figure(samples[:, 0], 1.0, 12)
    # Twelve successes out of twelve: the exact (Clopper-Pearson) bound.
    assert figure.value == figure.high == 1.0
    assert figure.low == pytest.approx(stats.beta.ppf(0.025, 12, 1))
