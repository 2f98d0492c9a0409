import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from stethoscope.detection.compare import compare
from stethoscope.detection.metrics import evaluate
from stethoscope.errors import ParameterError
from tests.detection.scored import scored_clips, truth_and_scores


def test_a_run_does_not_differ_from_itself_or_its_rescaling():
    a = scored_clips(machines=("fan/00", "fan/02"))
    b = [replace(clip, score=7 * clip.score - 3) for clip in a]
    comparison = compare(a, b)
    assert (comparison.auc.difference.value, comparison.auc.p, comparison.auc.beyond_chance) == (
        0.0,
        1.0,
        False,
    )
    assert comparison.n_clips == 140


def test_a_better_run_differs_beyond_chance():
    a, b = (
        scored_clips(80, 80, machines=("fan/00", "fan/02"), shift=2),
        scored_clips(80, 80, machines=("fan/00", "fan/02"), shift=0.5),
    )
    comparison = compare(a, b)
    expected = [
        np.mean(
            [
                sklearn_metrics.roc_auc_score(*truth_and_scores([c for c in run if c.machine == m]))
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


def test_a_paired_difference_is_found_although_the_separate_intervals_overlap():
    # The same clips; the anomalous ones of the second run score a little lower.
    a, b = scored_clips(60, 60), scored_clips(60, 60, shift=0.95)
    comparison = compare(a, b)
    first, second = (evaluate(run).overall.auc for run in (a, b))
    assert comparison.auc.beyond_chance
    assert first.low < second.high


def test_only_shared_clips_are_compared():
    a, b = (
        scored_clips(30, 30),
        [*scored_clips(30, 30)[5:], *scored_clips(3, 3, machines=("pump/00",))],
    )
    comparison = compare(a, b)
    assert (comparison.n_clips, comparison.only_a, comparison.only_b) == (55, 5, 6)
    with pytest.raises(ParameterError, match="share no clip of known condition"):
        compare(a, scored_clips(machines=("valve/00",)))
