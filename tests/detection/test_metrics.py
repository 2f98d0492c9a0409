import json
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics

from stethoscope.detection.metrics import (
    Curve,
    area_under_curve,
    compare,
    evaluate,
    roc_curve,
    wilson_interval,
)
from stethoscope.detection.scores import ScoredClip, read_scores, write_scores
from stethoscope.errors import ParameterError
from stethoscope.machines import split_key


def _run(
    n_normal: int = 30,
    n_anomaly: int = 40,
    *,
    machines=("fan/00",),
    seed=0,
    shift=1.2,
    noise=0.0,
    threshold=1.0,
    decimals=9,
    **values,
) -> list[ScoredClip]:
    """Scores of a made-up detector; `noise` alters them without changing the clips."""
    rng, other = np.random.default_rng(seed), np.random.default_rng(seed + 1000)
    clips = []
    for machine in machines:
        machine_type, machine_id = split_key(machine)
        for i in range(n_normal + n_anomaly):
            anomalous = i >= n_normal
            score = round(rng.normal(shift * anomalous) + noise * other.normal(), decimals)
            clips.append(
                ScoredClip(
                    path=f"{machine}/{i}.wav",
                    machine_type=machine_type,
                    machine_id=machine_id,
                    condition="anomaly" if anomalous else "normal",
                    score=score,
                    threshold=threshold,
                    decision=score > threshold,
                    **values,
                )
            )
    return clips


def _truth(clips: list[ScoredClip]) -> tuple[list[bool], list[float]]:
    return [clip.condition == "anomaly" for clip in clips], [clip.score for clip in clips]


@given(
    st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=2, max_size=60),
    st.sampled_from([0.01, 0.1, 0.25, 0.5, 1.0]),
)
def test_areas_are_scikit_learns(clips, max_fpr):
    truth, scores = [clip[0] for clip in clips], [clip[1] / 3 for clip in clips]
    area = area_under_curve(scores, truth, max_fpr=max_fpr)
    if len(set(truth)) == 1:
        assert area is None
    else:
        assert area == pytest.approx(
            sklearn_metrics.roc_auc_score(truth, scores, max_fpr=max_fpr), abs=1e-12
        )


def test_figures_recomputed_from_the_file_are_the_same(tmp_path):
    clips = _run(machines=("fan/00", "fan/02", "pump/00"), decimals=1)
    write_scores(tmp_path / "scores.csv", clips)
    evaluation = evaluate(clips)
    read = read_scores(tmp_path / "scores.csv")
    for figures in evaluation.overall.machines:
        own = [clip for clip in read if clip.machine == figures.machine]
        truth, scores = _truth(own)
        decided = [clip.decision for clip in own]
        expected = {
            "auc": sklearn_metrics.roc_auc_score(truth, scores),
            "pauc": sklearn_metrics.roc_auc_score(truth, scores, max_fpr=0.1),
            "accuracy": sklearn_metrics.accuracy_score(truth, decided),
            "precision": sklearn_metrics.precision_score(truth, decided),
            "recall": sklearn_metrics.recall_score(truth, decided),
            "f1": sklearn_metrics.f1_score(truth, decided),
            "false_alarm_rate": 1 - sklearn_metrics.recall_score(truth, decided, pos_label=False),
        }
        for name, value in expected.items():
            assert getattr(figures, name).value == pytest.approx(value, abs=1e-9), name
            if name != "f1":
                assert getattr(figures, name).low < value < getattr(figures, name).high, name
    aucs = [figures.auc.value for figures in evaluation.overall.machines]
    assert evaluation.overall.auc.value == pytest.approx(np.mean(aucs), abs=1e-12)
    assert evaluation.overall.harmonic_auc.value == pytest.approx(stats.hmean(aucs), abs=1e-12)
    assert (
        evaluation.overall.worst_machine
        == evaluation.overall.machines[int(np.argmin(aucs))].machine
    )
    assert evaluation.overall.false_alarm_rate.value == pytest.approx(
        np.mean([clip.decision for clip in clips if clip.condition == "normal"])
    )


def test_the_mean_is_surer_than_its_machines():
    overall = evaluate(_run(machines=tuple(f"fan/0{i}" for i in range(6)))).overall
    widths = [figures.auc.high - figures.auc.low for figures in overall.machines]
    assert overall.auc.high - overall.auc.low == pytest.approx(
        np.mean(widths) / math.sqrt(6), rel=0.15
    )


def test_what_cannot_be_computed_is_said():
    clips = [
        *_run(0, 3, machines=("fan/00",)),
        *_run(3, 0, machines=("fan/02",)),
        ScoredClip(
            path="x.wav",
            machine_type="fan",
            machine_id="04",
            condition="unknown",
            score=1.0,
            threshold=2.0,
            decision=False,
        ),
    ]
    evaluation = evaluate(clips)
    by_machine = {figures.machine: figures for figures in evaluation.overall.machines}
    assert str(by_machine["fan/00"].auc) == "not computable: no normal clips"
    assert by_machine["fan/00"].false_alarm_rate.value is None
    assert by_machine["fan/00"].recall.value is not None
    assert str(by_machine["fan/02"].precision) == "not computable: no anomalous clips"
    assert by_machine["fan/02"].false_alarm_rate.value is not None
    assert by_machine["fan/04"].accuracy.reason == "no clip of known condition"
    assert evaluation.overall.auc.reason == "no machine has both normal and anomalous clips"
    assert evaluation.overall.worst_machine == ""
    assert "fan/04: clips of unknown condition; scored, but in no figure" in evaluation.warnings
    json.dumps(evaluation.to_json(), allow_nan=False)


def test_a_machine_that_cannot_be_measured_leaves_the_means_alone():
    measurable = _run()
    both = evaluate([*measurable, *_run(5, 0, machines=("valve/00",))])
    assert both.overall.auc.value == evaluate(measurable).overall.auc.value


def test_nothing_called_anomalous_is_precision_zero():
    figures = evaluate(_run(threshold=100.0)).overall.machines[0]
    assert (figures.precision.value, figures.recall.value, figures.f1.value) == (0.0, 0.0, 0.0)


def test_breakdowns_appear_where_the_data_has_them():
    quiet, loud = (
        _run(seed=1, snr_db=6.0, domain="source"),
        _run(seed=2, snr_db=-6.0, shift=0.3, domain="source"),
    )
    evaluation = evaluate([*quiet, *loud])
    assert list(evaluation.breakdowns) == ["snr_db"]
    assert list(evaluation.breakdowns["snr_db"]) == ["-6", "6"]
    assert evaluation.breakdowns["snr_db"]["-6"].auc.value == pytest.approx(
        sklearn_metrics.roc_auc_score(*_truth(loud))
    )


def test_few_clips_are_warned_about():
    assert "12 normal and 24 anomalous clips" in evaluate(_run(12, 24)).warnings[0]
    (together,) = evaluate(
        [*_run(12, 24, machines=("fan/00", "fan/02")), *_run(10, 24, machines=("fan/04",))]
    ).warnings
    assert together.startswith("fan/00, fan/02, fan/04: 10 to 12 normal and 24 anomalous clips; ")
    (many,) = evaluate(_run(3, 3, machines=tuple(f"fan/{i:02}" for i in range(9)))).warnings
    assert many.startswith("fan/00, fan/01, fan/02, fan/03, fan/04, fan/05 and 3 more: 3 normal")
    assert evaluate(_run(100, 100)).warnings == ()


def test_perfect_ranking_is_not_certainty():
    figures = evaluate(_run(12, 24, shift=100)).overall.machines[0]
    # Twelve successes out of twelve: the exact (Clopper-Pearson) bound.
    assert figures.auc.value == figures.auc.high == 1.0
    assert figures.auc.low == pytest.approx(stats.beta.ppf(0.025, 12, 1))
    inverted = evaluate(_run(12, 24, shift=-100)).overall.machines[0]
    assert (inverted.auc.value, inverted.auc.low) == (0.0, 0.0)
    assert inverted.auc.high == pytest.approx(stats.beta.ppf(0.975, 1, 12))


def test_bootstrap_error_is_delongs():
    clips = _run(100, 100, seed=5)
    truth, scores = (np.array(values) for values in _truth(clips))
    wins = (scores[truth][:, None] > scores[~truth]) + 0.5 * (
        scores[truth][:, None] == scores[~truth]
    )
    error = math.sqrt(wins.mean(1).var(ddof=1) / 100 + wins.mean(0).var(ddof=1) / 100)
    figures = evaluate(clips).overall.machines[0]
    assert (figures.auc.high - figures.auc.low) / (2 * 1.96) == pytest.approx(error, rel=0.05)


def test_the_seed_decides_the_interval():
    clips = _run()
    assert evaluate(clips, seed=3) == evaluate(clips, seed=3)
    assert evaluate(clips, seed=3).overall.auc != evaluate(clips, seed=4).overall.auc


def test_an_interval_takes_well_under_a_second():
    clips = _run(100, 100)
    start = time.perf_counter()
    evaluate(clips)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (3, 10), (10, 100), (100, 100), (1, 1)])
def test_wilson_is_scipys(successes, n):
    expected = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_run_does_not_differ_from_itself_or_its_rescaling():
    a = _run(machines=("fan/00", "fan/02"))
    b = [ScoredClip(**{name: getattr(clip, name) for name in ("path", "machine_type", "machine_id", "condition", "threshold", "decision")}
                    , score=7 * clip.score - 3) for clip in a]  # fmt: skip
    comparison = compare(a, b)
    assert (comparison.auc.difference.value, comparison.auc.p, comparison.auc.beyond_chance) == (
        0.0,
        1.0,
        False,
    )
    assert comparison.n_clips == 140


def test_a_better_run_is_told_from_a_worse_one():
    a, b = (
        _run(80, 80, machines=("fan/00", "fan/02"), shift=2),
        _run(80, 80, machines=("fan/00", "fan/02"), shift=0.5),
    )
    comparison = compare(a, b)
    expected = [
        np.mean(
            [
                sklearn_metrics.roc_auc_score(*_truth([c for c in run if c.machine == m]))
                for m in comparison.machines
            ]
        )
        for run in (a, b)
    ]
    assert (comparison.auc.a, comparison.auc.b) == pytest.approx(tuple(expected))
    assert comparison.auc.difference.low > 0
    assert comparison.auc.beyond_chance
    assert comparison.pauc.beyond_chance
    json.dumps(comparison.to_json(), allow_nan=False)


def test_pairing_sees_what_separate_intervals_cannot():
    a, b = (
        _run(60, 60),
        _run(60, 60, shift=0.95),
    )  # the same clips, each anomaly a little less far off
    comparison = compare(a, b)
    first, second = (evaluate(run).overall.auc for run in (a, b))
    assert comparison.auc.beyond_chance
    assert first.low < second.high


def test_only_shared_clips_are_compared():
    a, b = _run(30, 30), [*_run(30, 30)[5:], *_run(3, 3, machines=("pump/00",))]
    comparison = compare(a, b)
    assert (comparison.n_clips, comparison.only_a, comparison.only_b) == (55, 5, 6)
    with pytest.raises(ParameterError, match="share no clip of known condition"):
        compare(a, _run(machines=("valve/00",)))


@pytest.mark.parametrize("max_fpr", [0, -1, 1.5, math.nan])
def test_a_max_fpr_that_cannot_be_is_refused(max_fpr):
    with pytest.raises(ParameterError, match="max_fpr is"):
        evaluate(_run(), max_fpr=max_fpr)


def test_no_clips_are_refused():
    with pytest.raises(ParameterError, match="no scored clip"):
        evaluate([])


def _largest_departure(curve: Curve, truth: list[bool], scores: list[float]) -> float:
    """How far scikit-learn's points lie from the curve, compared at equal lengths along either."""
    fpr, tpr, _ = sklearn_metrics.roc_curve(truth, scores, drop_intermediate=False)
    length = np.add(curve.false_positive_rate, curve.true_positive_rate)
    return float(np.abs(np.interp(fpr + tpr, length, curve.false_positive_rate) - fpr).max())


def test_a_short_curve_is_scikit_learns():
    truth, scores = _truth(_run(30, 40, decimals=1))
    curve = roc_curve(scores, truth)
    assert _largest_departure(curve, truth, scores) < 1e-12
    for threshold, x, y in zip(
        curve.thresholds, curve.false_positive_rate, curve.true_positive_rate, strict=True
    ):
        called = np.array(scores) > threshold
        assert (called[~np.array(truth)].mean(), called[np.array(truth)].mean()) == pytest.approx(
            (x, y)
        )


def test_a_long_curve_is_thinned_without_a_trace():
    truth, scores = _truth(_run(4000, 4000))
    curve = roc_curve(scores, truth)
    assert 200 < len(curve.thresholds) <= 500
    assert _largest_departure(curve, truth, scores) < 1 / 250
    fpr, tpr, _ = sklearn_metrics.roc_curve(truth, scores)
    assert sklearn_metrics.auc(
        curve.false_positive_rate, curve.true_positive_rate
    ) == pytest.approx(sklearn_metrics.auc(fpr, tpr), abs=1e-3)
    assert np.isfinite(curve.thresholds).all()
    assert (curve.false_positive_rate[0], curve.true_positive_rate[0]) == (0, 0)
    assert (curve.false_positive_rate[-1], curve.true_positive_rate[-1]) == (1, 1)


def test_det_rates_have_a_place_on_normal_deviate_axes():
    truth, scores = _truth(_run(10, 20, shift=100))
    false_alarms, misses = roc_curve(scores, truth).det()
    assert min(false_alarms) == 0.05
    assert min(misses) == pytest.approx(0.025)
    assert np.isfinite(stats.norm.ppf([*false_alarms, *misses])).all()


def test_no_curve_without_both_conditions():
    assert roc_curve([1.0, 2.0], [True, True]) is None
