import statistics

import pytest

from stethoscope.watch.history import History
from stethoscope.watch.overview import BUCKETS, overview
from tests.watch.conftest import judged


def test_buckets_hold_every_recording_once(history: History) -> None:
    decisions = [number % 7 == 0 for number in range(1000)]
    for number, anomaly in enumerate(decisions):
        history.add(judged(number, anomaly=anomaly))
    (machine,) = overview(history).machines
    assert (machine.n, machine.n_anomalous) == (1000, sum(decisions))
    assert len(machine.buckets) <= BUCKETS + 1
    assert sum(bucket.n for bucket in machine.buckets) == 1000
    mean = sum(bucket.mean * bucket.n for bucket in machine.buckets) / 1000
    assert mean == pytest.approx(statistics.fmean(2.5 if one else 0.5 for one in decisions))
    assert machine.drift == pytest.approx(0.0, abs=0.05)


def test_gaps_are_times_longer_than_usual(history: History) -> None:
    start = 1_770_000_000.0
    times = [start + 600.0 * n + (36_000.0 if n >= 30 else 0.0) for n in range(60)]
    for number, at in enumerate(times):
        history.add(judged(number, anomaly=False, at=at))
    (machine,) = overview(history).machines
    (gap,) = machine.gaps
    assert (gap.begin, gap.end) == (times[29], times[30])
    assert machine.hours_without == pytest.approx(36_600.0 / 3600.0)


def test_drift_is_counted_in_deviations_of_the_first_fifth(history: History) -> None:
    from dataclasses import replace

    scores = [1.0 + 0.1 * (n % 2) + (0.3 if n >= 80 else 0.0) for n in range(100)]
    for number, score in enumerate(scores):
        history.add(replace(judged(number, anomaly=False), score=score))
    (machine,) = overview(history).machines
    assert machine.drift == pytest.approx(0.3 / statistics.pstdev(scores[:20]))


def test_span_ends_at_the_last_recording(history: History) -> None:
    for number in range(400):
        history.add(judged(number, anomaly=False))
    view = overview(history, span="day")
    assert view.end - view.begin == 86_400.0
    assert sum(one.n for one in view.machines) == 145  # every 600 s, both ends included


def test_empty_history_is_shown(history: History) -> None:
    assert overview(history).machines == ()
