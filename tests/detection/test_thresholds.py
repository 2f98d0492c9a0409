import dataclasses
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from stethoscope.detection.gamma import Gamma
from stethoscope.detection.thresholds import Thresholds, fit_thresholds
from stethoscope.errors import ModelError, ParameterError


def test_the_threshold_of_equal_scores_is_that_score():
    thresholds = fit_thresholds({"fan/00": [2.5] * 40}, {})
    assert thresholds.threshold("fan/00") == 2.5
    assert thresholds.unit("fan/00") > 0
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


def test_a_single_score_gives_a_threshold_and_a_warning():
    thresholds = fit_thresholds({"fan/00": [4.0]}, {"fan/00": 3.0})
    assert thresholds.threshold("fan/00") == 4.0
    assert thresholds.warnings() == [
        "fan/00: the threshold for a false-alarm rate of 0.1 is computed from 1 held-out normal "
        "clip; use 30 or more for a reliable threshold"
    ]


def _scores(n: int, level: float, seed: int) -> list[float]:
    return (level + np.random.default_rng(seed).gamma(4, size=n)).tolist()


def test_a_machine_with_30_clips_has_its_own_fit_and_others_share():
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
        "fan/00, fan/01, fan/02, pump/00: the threshold for a false-alarm rate of 0.01 is computed "
        "from 9 to 62 held-out normal clips, pooled over machines; "
        "use 300 or more for a reliable threshold"
    ]


@pytest.mark.parametrize("method", ["gamma", "empirical"])
def test_an_unknown_machine_has_the_threshold_of_its_type_or_of_all(method):
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
def test_another_rate_gives_the_thresholds_of_a_new_fit(method):
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
def test_thresholds_read_from_json_equal_those_written(method):
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
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(ParameterError, match="false_alarm_rate is"):
        fit_thresholds({"fan/00": [1.0]}, {}, false_alarm_rate=rate)


def test_scores_without_a_threshold_are_refused_with_the_reason():
    with pytest.raises(ModelError, match="no normal clip was kept from training"):
        fit_thresholds({"fan/00": []}, {"fan/00": 1.0})
    with pytest.raises(ModelError, match="a score of fan/01 is not a finite number"):
        fit_thresholds({"fan/00": [1.0], "fan/01": [math.nan]}, {})
    with pytest.raises(ParameterError, match="method is 'best'"):
        fit_thresholds({"fan/00": [1.0]}, {}, method="best")  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["gamma", "empirical"])
@pytest.mark.parametrize("name", ["gamma", "lognormal", "normal"])
def test_the_rate_of_new_normal_clips_is_the_wanted_one(method, name):
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


def test_thresholds_need_neither_scipy_nor_scikit_learn():
    code = """
import sys
for name in ("scipy", "sklearn", "tensorflow", "librosa", "matplotlib", "kfp"):
    sys.modules[name] = None
from stethoscope.detection.thresholds import fit_thresholds
print(fit_thresholds({"a/0": [1.0, 2.0, 4.0]}, {}).probability(3.0, "a/0"))
"""
    assert (
        0.5
        < float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
        )
        < 1
    )


def test_a_machine_of_one_session_is_warned_about():
    fitted = fit_thresholds({"fan/00": _scores(40, 0, 0), "fan/02": _scores(40, 0, 1)}, {})
    assert fitted.warnings() == []
    assert "sessions" not in fitted.to_json()
    known = dataclasses.replace(fitted, sessions={"fan/00": 1, "fan/02": 3})
    (warning,) = known.warnings()
    assert warning.startswith("fan/00: all normal training clips are of one recording session")
    assert "although 10 % are wanted" in warning
    assert Thresholds.from_json(json.loads(json.dumps(known.to_json()))) == known
    assert known.with_false_alarm_rate(0.05).sessions == known.sessions
