import json
import math
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from stethoscope.detection.metrics import evaluate, roc_relative_to_thresholds, values_by_name
from stethoscope.detection.scores import ScoredClip, read_scores, write_scores
from stethoscope.errors import ParameterError
from tests.detection.scored import scored_clips, truth_and_scores


def test_figures_recomputed_from_the_file_are_the_same(tmp_path):
    clips = scored_clips(machines=("fan/00", "fan/02", "pump/00"), decimals=1)
    write_scores(tmp_path / "scores.csv", clips)
    evaluation = evaluate(clips)
    read = read_scores(tmp_path / "scores.csv")
    for figures in evaluation.overall.machines:
        own = [clip for clip in read if clip.machine == figures.machine]
        truth, scores = truth_and_scores(own)
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


def test_the_interval_of_the_mean_is_narrower_than_those_of_the_machines():
    overall = evaluate(scored_clips(machines=tuple(f"fan/0{i}" for i in range(6)))).overall
    widths = [figures.auc.high - figures.auc.low for figures in overall.machines]
    assert overall.auc.high - overall.auc.low == pytest.approx(
        np.mean(widths) / math.sqrt(6), rel=0.15
    )


def test_a_figure_that_cannot_be_computed_has_a_reason():
    clips = [
        *scored_clips(0, 3, machines=("fan/00",)),
        *scored_clips(3, 0, machines=("fan/02",)),
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


def test_a_machine_without_anomalous_clips_does_not_change_the_mean():
    measurable = scored_clips()
    both = evaluate([*measurable, *scored_clips(5, 0, machines=("valve/00",))])
    assert both.overall.auc.value == evaluate(measurable).overall.auc.value


def test_precision_is_0_where_no_clip_is_called_anomalous():
    figures = evaluate(scored_clips(threshold=100.0)).overall.machines[0]
    assert (figures.precision.value, figures.recall.value, figures.f1.value) == (0.0, 0.0, 0.0)


def test_there_is_a_breakdown_by_each_column_with_more_than_one_value():
    quiet, loud = (
        scored_clips(seed=1, snr_db=6.0, domain="source"),
        scored_clips(seed=2, snr_db=-6.0, shift=0.3, domain="source"),
    )
    evaluation = evaluate([*quiet, *loud])
    assert list(evaluation.breakdowns) == ["snr_db"]
    assert list(evaluation.breakdowns["snr_db"]) == ["-6", "6"]
    assert evaluation.breakdowns["snr_db"]["-6"].auc.value == pytest.approx(
        sklearn_metrics.roc_auc_score(*truth_and_scores(loud))
    )


def test_a_warning_names_the_machines_with_few_clips():
    assert "12 normal and 24 anomalous clips" in evaluate(scored_clips(12, 24)).warnings[0]
    (together,) = evaluate(
        [
            *scored_clips(12, 24, machines=("fan/00", "fan/02")),
            *scored_clips(10, 24, machines=("fan/04",)),
        ]
    ).warnings
    assert together.startswith("fan/00, fan/02, fan/04: 10 to 12 normal and 24 anomalous clips; ")
    (many,) = evaluate(scored_clips(3, 3, machines=tuple(f"fan/{i:02}" for i in range(9)))).warnings
    assert many.startswith("fan/00, fan/01, fan/02, fan/03, fan/04, fan/05 and 3 more: 3 normal")
    assert evaluate(scored_clips(100, 100)).warnings == ()


def test_a_perfect_ranking_of_few_clips_has_a_wide_interval():
    figures = evaluate(scored_clips(12, 24, shift=100)).overall.machines[0]
    # Twelve successes out of twelve: the exact (Clopper-Pearson) bound.
    assert figures.auc.value == figures.auc.high == 1.0
    assert figures.auc.low == pytest.approx(stats.beta.ppf(0.025, 12, 1))
    inverted = evaluate(scored_clips(12, 24, shift=-100)).overall.machines[0]
    assert (inverted.auc.value, inverted.auc.low) == (0.0, 0.0)
    assert inverted.auc.high == pytest.approx(stats.beta.ppf(0.975, 1, 12))


def test_the_same_seed_gives_the_same_interval():
    clips = scored_clips()
    assert evaluate(clips, seed=3) == evaluate(clips, seed=3)
    assert evaluate(clips, seed=3).overall.auc != evaluate(clips, seed=4).overall.auc


def test_an_interval_takes_less_than_a_second_of_computing():
    clips = scored_clips(100, 100)
    start = time.process_time()
    evaluate(clips)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("max_fpr", [0, -1, 1.5, math.nan])
def test_a_max_fpr_out_of_range_is_refused(max_fpr):
    with pytest.raises(ParameterError, match="max_fpr is"):
        evaluate(scored_clips(), max_fpr=max_fpr)


def test_an_evaluation_of_no_clips_is_refused():
    with pytest.raises(ParameterError, match="no scored clip"):
        evaluate([])


def test_figures_that_can_be_computed_are_named_by_machine():
    clips = [*scored_clips(), *scored_clips(5, 0, machines=("pump/02",))]
    evaluation = evaluate(clips)
    values = values_by_name(evaluation)
    fan, pump = evaluation.overall.machines
    assert values["auc"] == values["fan_00_auc"] == fan.auc.value
    assert values["pump_02_false_alarm_rate"] == pump.false_alarm_rate.value
    assert "pump_02_auc" not in values


def test_the_roc_of_several_machines_is_relative_to_their_thresholds():
    fan = scored_clips(machines=("fan/00",))
    shifted = scored_clips(machines=("pump/00",), threshold=1.0)
    pump = [replace(clip, score=clip.score + 50, threshold=51.0) for clip in shifted]
    together = roc_relative_to_thresholds([*fan, *pump])
    expected = roc_relative_to_thresholds([*fan, *shifted])
    assert together.true_positive_rate == expected.true_positive_rate
    assert together.thresholds == pytest.approx(expected.thresholds)
    assert roc_relative_to_thresholds([*fan, *pump], machine="fan/00").n_normal == 30
    with pytest.raises(ParameterError, match="machine is 'fan/7'; there are fan/00, pump/00"):
        roc_relative_to_thresholds([*fan, *pump], machine="fan/7")
