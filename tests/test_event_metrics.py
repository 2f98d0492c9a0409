from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from stethoscope.event_metrics import Stretch, calibrate, match, window_figures
from stethoscope.events import Debounce, Event, EventDetector


def events(*spans: tuple[float, float]) -> list[Event]:
    return [Event(start, end, 1.0, start) for start, end in spans]


def test_start_and_end_must_both_be_near() -> None:
    truth = [(1.0, 2.0), (4.0, 5.0), (8.0, 9.0)]
    assert match(events((1.2, 2.2), (4.0, 5.4), (8.0, 9.0)), truth, 0.3) == [(0, 0), (2, 2)]
    assert match(events((0.5, 2.0), (6.0, 7.0), (8.29, 8.8)), truth, 0.3) == [(2, 2)]
    assert match([], truth, 0.3) == []


def test_no_event_is_paired_twice() -> None:
    assert match(events((1.0, 1.2), (1.25, 1.4)), [(1.1, 1.3)], 0.3) == [(0, 0)]
    assert match(events((1.1, 1.3)), [(1.0, 1.2), (1.25, 1.4)], 0.3) == [(0, 0)]


def test_matching_finds_as_many_pairs_as_there_can_be() -> None:
    """Against the assignment that scipy finds."""
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(0)
    for _ in range(300):
        edges = np.sort(rng.uniform(0, 12, (2, 12)))
        truth, found = ([(float(a), float(b)) for a, b in row.reshape(-1, 2)] for row in edges)
        fits = np.array([[abs(a - c) <= 0.5 and abs(b - d) <= 0.5 for c, d in truth] for a, b in found])
        best = fits[linear_sum_assignment(~fits)].sum()
        assert len(match(events(*found), truth, 0.5)) == best


def test_window_figures_equal_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random(200) < 0.3).astype(np.float32)
    scores = np.clip(0.4 * labels + 0.6 * rng.random(200), 0, 1).astype(np.float32)
    figures = window_figures(labels, scores, 0.5)
    assert figures.auc == pytest.approx(roc_auc_score(labels, scores))
    assert figures.ap == pytest.approx(average_precision_score(labels, scores))
    counts = (figures.true_positives, figures.false_positives, figures.true_negatives, figures.false_negatives)
    decided = scores > 0.5
    assert counts == tuple(int(((labels == a) & (decided == b)).sum()) for a, b in ((1, True), (0, True), (0, False), (1, False)))
    assert figures.accuracy == pytest.approx((counts[0] + counts[2]) / 200)
    expected = -np.mean(labels * np.log(scores + 1e-9) + (1 - labels) * np.log(1 - scores + 1e-9))
    assert figures.loss == pytest.approx(expected, rel=1e-3)


def test_without_events_there_is_no_auc() -> None:
    figures = window_figures(np.zeros(5, np.float32), np.full(5, 0.2, np.float32), 0.5)
    assert (figures.auc, figures.ap, figures.true_negatives) == (None, None, 5)


def test_the_threshold_is_the_one_by_which_events_end_in_time(beep_parts: Path) -> None:
    """Scores that ring on at 0.6 behind every event: a threshold above that cuts events where their labels end."""
    detector = EventDetector.open(beep_parts / "model")
    detector.debounce = Debounce(smoothing=1, hold_off=1)
    labels = np.zeros(60, dtype=np.float32)
    scores = np.zeros(60, dtype=np.float32)
    truth = []
    for first in (5, 25, 45):
        labels[first : first + 6] = 1.0
        scores[first : first + 6] = 0.9
        scores[first + 6 : first + 14] = 0.6
        truth.append((first * 0.064, (first + 5) * 0.064 + detector.window_seconds))
    threshold = calibrate([Stretch("a", 0.0, 4.0, labels, scores, truth)], detector)
    assert threshold == detector.threshold == pytest.approx(0.75, abs=0.03)
