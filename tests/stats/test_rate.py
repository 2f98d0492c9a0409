import pytest
from scipy.stats import chi2

from stethoscope.stats.rate import rate


@pytest.mark.parametrize("count", [0, 1, 7, 200])
def test_interval_is_that_of_the_chi_squared_distribution(count: int) -> None:
    figure = rate(count, 2.5)
    assert figure.value == count / 2.5
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    assert figure.low == pytest.approx(low / 2.5)
    assert figure.high == pytest.approx(chi2.ppf(0.975, 2 * count + 2) / 2 / 2.5)
