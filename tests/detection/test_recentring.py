import dataclasses
import json

import numpy as np
import pytest

from stethoscope.detection.recentring import Recentring, outliers, recentre
from stethoscope.detection.thresholds import Thresholds, fit_thresholds
from stethoscope.errors import ModelError

NORMAL = np.random.default_rng(0).gamma(4, size=50).tolist()


def test_shift_is_the_difference_of_low_quantiles_and_smaller_for_few_clips() -> None:
    # Of 0, 1, ..., 10 the 0.4 quantile is 4; of five scores from 20 on it is 21.6.
    change = recentre(range(11), {str(n): 20.0 + n for n in range(5)}, date="2026-03-14")
    assert change.expected_score == pytest.approx(4.0)
    assert change.typical_score == pytest.approx(21.6)
    assert change.shift == pytest.approx((21.6 - 4.0) * 5 / 7)
    assert change.files == ("0", "1", "2", "3", "4")


def test_scores_that_are_lower_than_normal_move_nothing() -> None:
    assert recentre(range(11), {"a": -5.0, "b": 1.0, "c": 9.0}, date="").shift == 0.0


def test_a_tenth_of_anomalous_clips_hardly_changes_the_shift() -> None:
    rng = np.random.default_rng(1)
    healthy = {str(n): float(5 + rng.gamma(4)) for n in range(12)}
    mixed = healthy | {"0": 100.0}
    clean, changed = (recentre(NORMAL, scores, date="").shift for scores in (healthy, mixed))
    assert changed == pytest.approx(clean, abs=0.5)


def test_outliers_are_farther_from_the_others_than_normal_clips_are() -> None:
    scores = {name: 50.0 + score for name, score in zip("abcdefghijkl", NORMAL, strict=False)}
    assert outliers(NORMAL, scores) == []
    assert outliers(NORMAL, scores | {"b": 90.0, "c": 80.0}) == ["b", "c"]


@pytest.mark.parametrize("method", ["gamma", "empirical"])
def test_a_moved_threshold_decides_as_the_fitted_one_does_on_lower_scores(method: str) -> None:
    fitted = fit_thresholds(
        {"fan/00": NORMAL, "fan/02": NORMAL[:5]},
        {},
        method=method,  # type: ignore[arg-type]
    )
    moved = dataclasses.replace(
        fitted, recentred={"fan/00": Recentring(2.5, 6.0, 3.5, ("a",), "2026-03-14")}
    )
    assert moved.threshold("fan/00") == pytest.approx(fitted.threshold("fan/00") + 2.5)
    for score in (1.0, 5.0, 9.0, 12.0):
        assert moved.probability(score, "fan/00") == pytest.approx(
            fitted.probability(score - 2.5, "fan/00"), rel=1e-9
        )
    for other in ("fan/02", "fan/", "fan/99", "pump/00", None):
        assert moved.of(other) == fitted.of(other)
    unknown = dataclasses.replace(fitted, recentred={"fan/": moved.recentred["fan/00"]})
    assert unknown.threshold("fan/99") == pytest.approx(fitted.threshold("fan/99") + 2.5)
    assert unknown.threshold("fan/00") == fitted.threshold("fan/00")


def test_a_shift_stays_with_another_rate_and_in_json() -> None:
    fitted = fit_thresholds({"fan/00": NORMAL}, {})
    change = Recentring(2.5, 6.0, 3.5, ("a",), "2026-03-14")
    moved = dataclasses.replace(fitted, recentred={"fan/00": change})
    stricter = moved.with_false_alarm_rate(0.05)
    assert stricter.threshold("fan/00") == pytest.approx(
        fitted.with_false_alarm_rate(0.05).threshold("fan/00") + 2.5
    )
    assert Thresholds.from_json(json.loads(json.dumps(moved.to_json()))) == moved
    assert "recentred" not in fitted.to_json()


def test_a_damaged_entry_is_named() -> None:
    value = fit_thresholds({"fan/00": NORMAL}, {}).to_json()
    with pytest.raises(ModelError, match="shift"):
        Thresholds.from_json(value | {"recentred": {"fan/00": {"files": []}}})
