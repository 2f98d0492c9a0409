import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stethoscope.detection.thresholds import (
    Gamma,
    Thresholds,
    fit_thresholds,
    gamma_cdf,
    gamma_quantile,
)
from stethoscope.errors import ModelError, ParameterError

SHAPES = [0.01, 0.1, 0.5, 1, 2, 5, 19.99, 20, 50, 100, 1e3, 1e4, 1e6]
PROBABILITIES = [1e-6, 1e-3, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999, 1 - 1e-6]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gamma_distribution_is_scipys(shape):
    for probability in PROBABILITIES:
        x = stats.gamma.ppf(probability, shape)
        if x > 1e-290:
            assert gamma_quantile(probability, shape) == pytest.approx(x, rel=1e-8)
        assert gamma_cdf(x, shape) == pytest.approx(stats.gamma.cdf(x, shape), abs=1e-11)
    assert gamma_cdf(-1.0, shape) == gamma_cdf(0.0, shape) == 0.0
    assert gamma_cdf(math.inf, shape) == 1.0


@pytest.mark.parametrize("shape", [1.5, 4, 20])
@pytest.mark.parametrize("location", [0.0, -300.0])
def test_the_fit_finds_the_distribution_it_was_drawn_from(shape, location):
    truth = stats.gamma(shape, loc=location, scale=3.0)
    fit = Gamma.fit(truth.rvs(200_000, random_state=np.random.default_rng(0)))
    for probability in (0.5, 0.9, 0.95, 0.99):
        assert truth.sf(fit.quantile(probability)) == pytest.approx(1 - probability, rel=0.03)


def test_the_fit_is_hoskings_pearson_type_three():
    # Exponential scores: L-moments 1, 1/2 and ratio 1/3 belong to shape 1, scale 1, location 0
    # (Hosking's series are good to 5e-5).
    fit = Gamma.fit(stats.expon.ppf((np.arange(20_000) + 0.5) / 20_000))
    assert (fit.shape, fit.scale, fit.location) == pytest.approx((1, 1, 0), abs=2e-3)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40),
    st.floats(-1e3, 1e3),
    st.floats(0.01, 100),
)
def test_moved_and_stretched_scores_move_and_stretch_the_fit(scores, move, stretch):
    scores = np.round(scores, 3)
    fit, moved = Gamma.fit(scores), Gamma.fit(scores * stretch + move)
    tolerance = 1e-6 * (1 + abs(move) + stretch * np.abs(scores).max())
    assert moved.quantile(0.9) == pytest.approx(fit.quantile(0.9) * stretch + move, abs=tolerance)


@pytest.mark.parametrize("n", [5, 30, 300])
@pytest.mark.parametrize("name", ["mean squared errors", "negative log-likelihoods"])
def test_quantiles_stay_sane_with_few_scores(n, name):
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


def test_equal_scores_are_their_own_threshold():
    thresholds = fit_thresholds({"fan/00": [2.5] * 40}, {})
    assert thresholds.threshold("fan/00") == 2.5
    assert not thresholds.decide(2.5, "fan/00")
    assert thresholds.decide(math.nextafter(2.5, 3), "fan/00")
    assert thresholds.probability(2.5, "fan/00") == 0.5
    assert (
        0
        < thresholds.probability(2.0, "fan/00")
        < 1e-6
        < 1 - 1e-6
        < thresholds.probability(3.0, "fan/00")
        < 1
    )


def test_a_single_score_works_and_is_warned_about():
    thresholds = fit_thresholds({"fan/00": [4.0]}, {"fan/00": 3.0})
    assert thresholds.threshold("fan/00") == 4.0
    assert thresholds.warnings() == [
        "fan/00: a false-alarm rate of 0.1 rests on 1 normal clip(s) not trained on; 30 or more would back it"
    ]


def test_nearly_equal_scores_do_not_divide_by_nothing():
    fit = Gamma.fit([1.0, math.nextafter(1.0, 2)])
    assert 1.0 <= fit.quantile(0.9) <= 1 + 1e-12


def _scores(n: int, level: float, seed: int) -> list[float]:
    return (level + np.random.default_rng(seed).gamma(4, size=n)).tolist()


def test_thirty_clips_have_a_fit_of_their_own_and_fewer_share():
    held_out = {
        "fan/00": _scores(30, 0, 0),
        "fan/01": _scores(29, 100, 1),
        "fan/02": _scores(3, 200, 2),
        "pump/00": _scores(9, 500, 3),
    }
    offsets = {"fan/00": 3.0, "fan/01": 103.0, "fan/02": 203.0, "pump/00": 503.0}
    thresholds = fit_thresholds(held_out, offsets)
    assert thresholds.threshold("fan/00") == Gamma.fit(held_out["fan/00"]).quantile(0.9)
    residuals = [
        score - offsets[m] for m in ("fan/00", "fan/01", "fan/02") for score in held_out[m]
    ]
    assert thresholds.threshold("fan/02") == pytest.approx(
        203 + Gamma.fit(residuals).quantile(0.9), abs=1e-9
    )
    assert {m: (t.n_clips, t.pooled) for m, t in thresholds.machines.items()} == {
        "fan/00": (30, False),
        "fan/01": (62, True),
        "fan/02": (62, True),
        "pump/00": (9, False),
    }
    assert [warning.split(":")[0] for warning in thresholds.warnings()] == ["pump/00"]
    assert thresholds.with_false_alarm_rate(0.01).warnings() == [
        "fan/00, fan/01, fan/02, pump/00: a false-alarm rate of 0.01 rests on 9 to 62 normal clip(s) not trained on, pooled over machines; "
        "300 or more would back it"
    ]


@pytest.mark.parametrize("method", ["gamma", "empirical"])
def test_unknown_machines_are_judged_by_their_type_and_else_by_all(method):
    held_out = {
        "fan/00": _scores(40, 0, 0),
        "fan/01": _scores(40, 10, 1),
        "pump/00": _scores(40, 70, 2),
    }
    thresholds = fit_thresholds(
        held_out, {"fan/00": 3.0, "fan/01": 13.0, "pump/00": 73.0, "valve/00": 1.0}, method=method
    )
    fans = held_out["fan/00"] + held_out["fan/01"]
    for machines, scores in (
        (("fan/99", "fan/"), fans),
        ((None, "", "valve/00", "slider/01"), fans + held_out["pump/00"]),
    ):
        alone = fit_thresholds({"x/0": scores}, {}, method=method)
        for machine in machines:
            assert thresholds.threshold(machine) == pytest.approx(alone.threshold("x/0"), abs=1e-9)
            assert thresholds.probability(12.0, machine) == pytest.approx(
                alone.probability(12.0, "x/0"), abs=1e-9
            )
            assert thresholds.of(machine).pooled


def test_empirical_thresholds_are_the_conformal_rank():
    scores = [float(score) for score in range(1, 100)]
    thresholds = fit_thresholds({"fan/00": scores}, {}, method="empirical")
    assert thresholds.threshold("fan/00") == 90.0  # ceil(100 * 0.9)
    assert thresholds.with_false_alarm_rate(0.05).threshold("fan/00") == 95.0
    assert (
        thresholds.with_false_alarm_rate(0.001).threshold("fan/00") == 99.0
    )  # too few: the highest
    assert thresholds.probability(0.0, "fan/00") == 0.005
    assert thresholds.probability(1e9, "fan/00") == 0.995


@pytest.mark.parametrize("method", ["gamma", "empirical"])
@pytest.mark.parametrize("n", [12, 45])
def test_decision_and_probability_agree(method, n):
    thresholds = fit_thresholds(
        {"fan/00": _scores(n, 0, 0), "fan/01": _scores(n, 5, 1)}, {}, method=method
    )
    for machine in ("fan/00", "fan/01", None):
        grid = np.linspace(-5, 40, 500)
        probabilities = [thresholds.probability(score, machine) for score in grid]
        assert all(0 < p < 1 for p in probabilities)
        assert probabilities == sorted(probabilities)
        assert all(
            p > 0.9 - 1e-9
            for score, p in zip(grid, probabilities, strict=True)
            if thresholds.decide(score, machine)
        )


@pytest.mark.parametrize("method", ["gamma", "empirical"])
def test_another_rate_needs_no_training(method):
    held_out, offsets = (
        {"fan/00": _scores(50, 0, 0), "fan/01": _scores(5, 3, 1)},
        {"fan/00": 4.0, "fan/01": 7.0},
    )
    before = fit_thresholds(held_out, offsets, method=method)
    after = before.with_false_alarm_rate(0.02)
    assert after == fit_thresholds(held_out, offsets, false_alarm_rate=0.02, method=method)
    assert all(
        after.threshold(machine) > before.threshold(machine) for machine in (*held_out, None)
    )


@pytest.mark.parametrize("method", ["gamma", "empirical"])
def test_json_brings_back_the_same_thresholds(method):
    thresholds = fit_thresholds(
        {"fan/00": _scores(40, 0, 0), "fan/01": _scores(4, 0, 1)}, {"fan/01": 2.0}, method=method
    )
    assert (
        Thresholds.from_json(json.loads(json.dumps(thresholds.to_json(), allow_nan=False)))
        == thresholds
    )


@pytest.mark.parametrize(
    "change",
    [
        {"machines": {"fan/00": {}}},
        {"unknown": {}},
        {"method": "guess"},
        {"false_alarm_rate": "much"},
        {"held_out": None},
    ],
)
def test_broken_json_is_refused(change):
    value = fit_thresholds({"fan/00": [1.0, 2.0]}, {}).to_json() | change
    with pytest.raises(ModelError, match=r"thresholds: .* export the bundle again"):
        Thresholds.from_json(value)


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, math.nan])
def test_a_rate_that_cannot_be_is_refused(rate):
    with pytest.raises(ParameterError, match="false_alarm_rate is"):
        fit_thresholds({"fan/00": [1.0]}, {}, false_alarm_rate=rate)


def test_what_cannot_give_a_threshold_is_said():
    with pytest.raises(ModelError, match="no normal clip was kept from training"):
        fit_thresholds({"fan/00": []}, {"fan/00": 1.0})
    with pytest.raises(ModelError, match="a score of fan/01 is not a finite number"):
        fit_thresholds({"fan/00": [1.0], "fan/01": [math.nan]}, {})
    with pytest.raises(ParameterError, match="threshold method is 'best'"):
        fit_thresholds({"fan/00": [1.0]}, {}, method="best")  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["gamma", "empirical"])
@pytest.mark.parametrize("name", ["gamma", "lognormal", "normal"])
def test_fresh_normal_clips_keep_the_wanted_rate(method, name):
    truth = {
        "gamma": stats.gamma(6),
        "lognormal": stats.lognorm(0.5),
        "normal": stats.norm(-250, 20),
    }[name]
    rates = []
    for seed in range(20):
        scores = truth.rvs(200, random_state=np.random.default_rng(seed))
        rates.append(
            truth.sf(fit_thresholds({"fan/00": scores}, {}, method=method).threshold("fan/00"))
        )
    assert np.mean(rates) == pytest.approx(0.1, abs=0.02)


def test_neither_scipy_nor_scikit_learn_is_needed():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['scipy', 'sklearn', 'tensorflow', 'librosa', 'matplotlib', 'kfp']));"
        "from stethoscope.detection.thresholds import fit_thresholds; print(fit_thresholds({'a/0': [1.0, 2.0, 4.0]}, {}).probability(3.0, 'a/0'))"
    )
    assert (
        0.5
        < float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
        )
        < 1
    )
