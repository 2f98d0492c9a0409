import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stethoscope.detection.gamma import Gamma, gamma_cdf, gamma_quantile

SHAPES = [0.01, 0.1, 0.5, 1, 2, 5, 19.99, 20, 50, 100, 1e3, 1e4, 1e6]
PROBABILITIES = [1e-6, 1e-3, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999, 1 - 1e-6]


@pytest.mark.parametrize("shape", SHAPES)
def test_cdf_and_quantile_equal_scipys(shape):
    for probability in PROBABILITIES:
        x = stats.gamma.ppf(probability, shape)
        if x > 1e-290:
            assert gamma_quantile(probability, shape) == pytest.approx(x, rel=1e-8)
        assert gamma_cdf(x, shape) == pytest.approx(stats.gamma.cdf(x, shape), abs=1e-11)
    assert gamma_cdf(-1.0, shape) == gamma_cdf(0.0, shape) == 0.0
    assert gamma_cdf(math.inf, shape) == 1.0


@pytest.mark.parametrize("shape", [1.5, 4, 20])
@pytest.mark.parametrize("location", [0.0, -300.0])
def test_a_fit_recovers_the_distribution_of_the_scores(shape, location):
    truth = stats.gamma(shape, loc=location, scale=3.0)
    fit = Gamma.fit(truth.rvs(200_000, random_state=np.random.default_rng(0)))
    for probability in (0.5, 0.9, 0.95, 0.99):
        assert truth.sf(fit.quantile(probability)) == pytest.approx(1 - probability, rel=0.03)


def test_a_fit_equals_hoskings_l_moments_of_exponential_scores():
    # Exponential scores: L-moments 1, 1/2 and ratio 1/3 belong to shape 1, scale 1, location 0
    # (Hosking's series are good to 5e-5).
    fit = Gamma.fit(stats.expon.ppf((np.arange(20_000) + 0.5) / 20_000))
    assert (fit.shape, fit.scale, fit.location) == pytest.approx((1, 1, 0), abs=2e-3)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40),
    st.floats(-1e3, 1e3),
    st.floats(0.01, 100),
)
def test_shifted_and_scaled_scores_shift_and_scale_the_fit(scores, move, stretch):
    scores = np.round(scores, 3)
    fit, moved = Gamma.fit(scores), Gamma.fit(scores * stretch + move)
    tolerance = 1e-6 * (1 + abs(move) + stretch * np.abs(scores).max())
    assert moved.quantile(0.9) == pytest.approx(fit.quantile(0.9) * stretch + move, abs=tolerance)


@pytest.mark.parametrize("n", [5, 30, 300])
@pytest.mark.parametrize("name", ["mean squared errors", "negative log-likelihoods"])
def test_quantiles_of_few_scores_have_bounded_error(n, name):
    truth = stats.gamma(8, loc=5) if name == "mean squared errors" else stats.chi2(20, loc=-300)
    rng = np.random.default_rng(1)
    fits = [Gamma.fit(truth.rvs(n, random_state=rng)) for _ in range(200)]
    for rate, factor in ((0.1, 1.6), (0.05, 2.2), (0.01, 5.5)):
        measured = np.mean([truth.sf(fit.quantile(1 - rate)) for fit in fits])
        assert rate * 0.8 < measured < rate * (factor if n == 5 else 1.7)
        # No threshold runs away: all lie within the far tail.
        assert min(truth.sf(fit.quantile(1 - rate)) for fit in fits) > (
            1e-12 if n == 5 else rate * 1e-4
        )


def test_nearly_equal_scores_have_a_finite_quantile():
    fit = Gamma.fit([1.0, math.nextafter(1.0, 2)])
    assert 1.0 <= fit.quantile(0.9) <= 1 + 1e-12
