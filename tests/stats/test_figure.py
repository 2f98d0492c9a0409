import pytest
from scipy import stats

from stethoscope.stats.figure import Figure, proportion, wilson_interval


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (3, 10), (10, 100), (100, 100), (1, 1)])
def test_wilson_interval_equals_scipys(successes, n):
    expected = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_proportion_has_a_value_an_interval_or_a_reason():
    figure = proportion(3, 10, "no clips")
    assert (figure.value, (figure.low, figure.high)) == (0.3, wilson_interval(3, 10))
    assert proportion(0, 0, "no clips") == Figure(None, reason="no clips")


def test_a_figure_is_printed_with_its_interval_or_its_reason():
    assert str(Figure(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
    assert str(Figure(0.5)) == "0.500"
    assert str(Figure(None, reason="no clips")) == "not computable: no clips"
