import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics

from stethoscope.stats.roc import Curve, area_under_curve, missing_class, roc_curve


def _draw(n_normal: int, n_anomaly: int, *, shift: float = 1.2, decimals: int = 9):
    """Return which clips are anomalous, and scores that are higher by `shift` for these."""
    rng = np.random.default_rng(0)
    anomalous = np.arange(n_normal + n_anomaly) >= n_normal
    return anomalous, np.round(rng.normal(shift * anomalous), decimals)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=2, max_size=60),
    st.sampled_from([0.01, 0.1, 0.25, 0.5, 1.0]),
)
def test_areas_equal_scikit_learns(clips, max_fpr):
    truth, scores = [clip[0] for clip in clips], [clip[1] / 3 for clip in clips]
    area = area_under_curve(scores, truth, max_fpr=max_fpr)
    if len(set(truth)) == 1:
        assert area is None
    else:
        assert area == pytest.approx(
            sklearn_metrics.roc_auc_score(truth, scores, max_fpr=max_fpr), abs=1e-12
        )


def _largest_distance(curve: Curve, truth, scores) -> float:
    """Return how far scikit-learn's points lie from the curve, at equal lengths along both."""
    fpr, tpr, _ = sklearn_metrics.roc_curve(truth, scores, drop_intermediate=False)
    length = np.add(curve.false_positive_rate, curve.true_positive_rate)
    return float(np.abs(np.interp(fpr + tpr, length, curve.false_positive_rate) - fpr).max())


def test_a_short_curve_equals_scikit_learns():
    truth, scores = _draw(30, 40, decimals=1)
    curve = roc_curve(scores, truth)
    assert _largest_distance(curve, truth, scores) < 1e-12
    for threshold, x, y in zip(
        curve.thresholds, curve.false_positive_rate, curve.true_positive_rate, strict=True
    ):
        called = scores > threshold
        assert (called[~truth].mean(), called[truth].mean()) == pytest.approx((x, y))


def test_a_long_curve_is_thinned_to_500_points_and_keeps_its_area():
    truth, scores = _draw(4000, 4000)
    curve = roc_curve(scores, truth)
    assert 200 < len(curve.thresholds) <= 500
    assert _largest_distance(curve, truth, scores) < 1 / 250
    fpr, tpr, _ = sklearn_metrics.roc_curve(truth, scores)
    assert sklearn_metrics.auc(
        curve.false_positive_rate, curve.true_positive_rate
    ) == pytest.approx(sklearn_metrics.auc(fpr, tpr), abs=1e-3)
    assert np.isfinite(curve.thresholds).all()
    assert (curve.false_positive_rate[0], curve.true_positive_rate[0]) == (0, 0)
    assert (curve.false_positive_rate[-1], curve.true_positive_rate[-1]) == (1, 1)


def test_det_rates_have_a_place_on_normal_deviate_axes():
    truth, scores = _draw(10, 20, shift=100)
    false_alarms, misses = roc_curve(scores, truth).det()
    assert min(false_alarms) == 0.05
    assert min(misses) == pytest.approx(0.025)
    assert np.isfinite(stats.norm.ppf([*false_alarms, *misses])).all()


def test_there_is_no_curve_without_both_conditions():
    assert roc_curve([1.0, 2.0], [True, True]) is None


@pytest.mark.parametrize(
    ("anomalous", "reason"),
    [
        ([], "no clip of known condition"),
        ([False], "no anomalous clips"),
        ([True], "no normal clips"),
        ([True, False], ""),
    ],
)
def test_the_missing_condition_is_named(anomalous, reason):
    assert missing_class(np.array(anomalous, dtype=bool)) == reason
