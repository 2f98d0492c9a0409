import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from stethoscope.events.decoder import Decoder
from stethoscope.events.metrics import (
    Stretch,
    calibrate,
    confusion,
    event_figures,
    match,
    pooled_events,
    pooled_windows,
    window_figures,
)
from stethoscope.events.model import Event, EventClass
from stethoscope.events.options import EventFit


def events(*spans: tuple[float, float]) -> list[Event]:
    return [Event(start, end, 1.0, start) for start, end in spans]


def test_pairs_have_start_and_end_within_the_tolerance() -> None:
    truth = [(1.0, 2.0), (4.0, 5.0), (8.0, 9.0)]
    assert match(events((1.2, 2.2), (4.0, 5.4), (8.0, 9.0)), truth, 0.3) == [(0, 0), (2, 2)]
    assert match(events((0.5, 2.0), (6.0, 7.0), (8.29, 8.8)), truth, 0.3) == [(2, 2)]
    assert match([], truth, 0.3) == []


def test_no_event_is_in_two_pairs() -> None:
    assert match(events((1.0, 1.2), (1.25, 1.4)), [(1.1, 1.3)], 0.3) == [(0, 0)]
    assert match(events((1.1, 1.3)), [(1.0, 1.2), (1.25, 1.4)], 0.3) == [(0, 0)]


def test_number_of_pairs_equals_that_of_the_best_assignment() -> None:
    """The assignment is that of scipy."""
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(0)
    for _ in range(300):
        edges = np.sort(rng.uniform(0, 12, (2, 12)))
        truth, found = ([(float(a), float(b)) for a, b in row.reshape(-1, 2)] for row in edges)
        fits = np.array(
            [[abs(a - c) <= 0.5 and abs(b - d) <= 0.5 for c, d in truth] for a, b in found]
        )
        best = fits[linear_sum_assignment(~fits)].sum()
        assert len(match(events(*found), truth, 0.5)) == best


def test_window_figures_equal_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random(200) < 0.3).astype(np.float32)
    scores = np.clip(0.4 * labels + 0.6 * rng.random(200), 0, 1).astype(np.float32)
    figures = window_figures(labels, scores, 0.5)
    assert figures.auc == pytest.approx(roc_auc_score(labels, scores))
    assert figures.ap == pytest.approx(average_precision_score(labels, scores))
    counts = (
        figures.true_positives,
        figures.false_positives,
        figures.true_negatives,
        figures.false_negatives,
    )
    decided = scores > 0.5
    assert counts == tuple(
        int(((labels == a) & (decided == b)).sum())
        for a, b in ((1, True), (0, True), (0, False), (1, False))
    )
    assert figures.accuracy == pytest.approx((counts[0] + counts[2]) / 200)
    expected = -np.mean(labels * np.log(scores + 1e-9) + (1 - labels) * np.log(1 - scores + 1e-9))
    assert figures.loss == pytest.approx(expected, rel=1e-3)


def test_auc_is_none_without_events() -> None:
    figures = window_figures(np.zeros(5, np.float32), np.full(5, 0.2, np.float32), 0.5)
    assert (figures.auc, figures.ap, figures.true_negatives) == (None, None, 5)


@pytest.fixture
def detector() -> EventClass:
    """A class of events of six windows."""
    return EventClass(
        label="Beep",
        threshold=0.5,
        decoder=Decoder(length=6.0, spread=0.1, interval=50.0, hold_off=2),
        stride_seconds=0.064,
        window_seconds=0.264,
    )


def stretch(
    detector: EventClass, parts: list[tuple[int, float]], *, truth: tuple[int, ...]
) -> Stretch:
    """Return a stretch of so many windows of each score; events of six windows begin at `truth`."""
    scores = np.concatenate([np.full(count, score, dtype=np.float32) for count, score in parts])
    labels = np.zeros(len(scores), dtype=np.float32)
    for first in truth:
        labels[first : first + 6] = 1.0
    spans = [
        (
            first * detector.stride_seconds,
            (first + 5) * detector.stride_seconds + detector.window_seconds,
        )
        for first in truth
    ]
    return Stretch("a", 0.0, 9.0, labels, scores, spans)


def test_threshold_lies_between_events_and_similar_sounds(
    detector: EventClass,
) -> None:
    """Events score 0.95, and another sound of the same length scores 0.6."""
    given = stretch(
        detector,
        [(20, 0.02), (6, 0.95), (20, 0.02), (6, 0.6), (20, 0.02), (6, 0.95), (20, 0.02)],
        truth=(20, 72),
    )
    threshold = calibrate([given], detector, EventFit())
    assert threshold == detector.threshold
    assert 0.5 < threshold < 0.9
    assert event_figures([given], detector, 0.3).f1 == 1.0


def test_threshold_is_at_three_quarters_of_the_best_candidates(detector: EventClass) -> None:
    given = stretch(detector, [(20, 0.02), (6, 0.98), (20, 0.02)], truth=(20,))
    good = []
    for odds in np.arange(-4, 4.01, 0.25):
        detector.threshold = float(1 / (1 + np.exp(-odds)))
        good += [odds] if event_figures([given], detector, 0.3).f1 == 1.0 else []
    taken = calibrate([given], detector, EventFit())
    assert np.log(taken / (1 - taken)) == pytest.approx(
        good[0] + 0.75 * (good[-1] - good[0]), abs=0.26
    )


def test_threshold_is_one_half_if_no_event_is_found(
    detector: EventClass,
) -> None:
    given = stretch(detector, [(40, 0.02)], truth=(20,))
    assert calibrate([given], detector, EventFit()) == 0.5


def test_wanted_number_of_false_events_raises_the_threshold(detector: EventClass) -> None:
    """Two soft events score as another sound does: finding them costs a false event."""
    loud, soft, other = (6, 0.95), (6, 0.6), (6, 0.6)
    given = stretch(
        detector,
        [(20, 0.02), loud, (20, 0.02), soft, (20, 0.02), other, (20, 0.02), soft, (20, 0.02)],
        truth=(20, 46, 98),
    )
    calibrate([given], detector, EventFit())
    figures = event_figures([given], detector, 0.3)
    assert (figures.hits, figures.false_events) == (3, 1)
    calibrate([given], detector, EventFit(false_per_hour=1.0))
    figures = event_figures([given], detector, 0.3)
    assert (figures.hits, figures.false_events) == (1, 0)


def test_wanted_number_of_false_events_is_kept_where_no_event_is_hit(detector: EventClass) -> None:
    """The only sound is no event: one half would find it."""
    given = stretch(detector, [(20, 0.02), (6, 0.7), (20, 0.02)], truth=())
    assert calibrate([given], detector, EventFit()) == 0.5
    assert event_figures([given], detector, 0.3).false_events == 1
    assert calibrate([given], detector, EventFit(false_per_hour=1.0)) > 0.5
    assert event_figures([given], detector, 0.3).false_events == 0


def test_highest_threshold_is_taken_where_all_have_too_many_false_events(
    detector: EventClass,
) -> None:
    given = stretch(detector, [(20, 0.02), (6, 0.999), (20, 0.02)], truth=())
    threshold = calibrate([given], detector, EventFit(false_per_hour=1.0))
    assert event_figures([given], detector, 0.3).false_events == 1
    assert threshold == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-4)


def test_the_nearest_of_equally_good_thresholds_is_taken(detector: EventClass) -> None:
    given = stretch(detector, [(20, 0.02), (6, 0.98), (20, 0.02)], truth=(20,))
    assert calibrate([given], detector, EventFit(), 0.5) == 0.5
    assert calibrate([given], detector, EventFit(), 0.2227) == 0.2227
    louder = stretch(
        detector, [(20, 0.02), (6, 0.95), (20, 0.02), (6, 0.6), (20, 0.02)], truth=(20,)
    )
    threshold = calibrate([louder], detector, EventFit(), 0.2)
    assert 0.2 < threshold < calibrate([louder], detector, EventFit())
    assert event_figures([louder], detector, 0.3).f1 == 1.0


def test_figures_of_classes_together_are_those_of_all_their_events(detector: EventClass) -> None:
    given = [
        stretch(detector, [(20, 0.02), (6, 0.95), (20, 0.02)], truth=(20,)),
        stretch(detector, [(20, 0.02), (6, 0.95), (20, 0.02), (6, 0.95)], truth=(4, 46)),
    ]
    both = pooled_events([event_figures([one], detector, 0.3) for one in given])
    assert (both.hits, both.missed, both.false_events) == (2, 1, 1)
    assert both.f1 == pytest.approx(2 * 2 / (3 + 3))
    assert both.hours == pytest.approx(9 / 3600), "the classes share the sound"
    assert both.false_per_hour == pytest.approx(400)
    windows = [window_figures(one.labels, one.scores, 0.5) for one in given]
    pooled = pooled_windows(windows)
    assert pooled.true_positives == sum(one.true_positives for one in windows)
    assert pooled.auc == pytest.approx(np.mean([one.auc for one in windows]))


def test_finds_are_counted_for_the_labelled_event_that_they_overlap(detector: EventClass) -> None:
    """A is found right, late, and where B sounds; B is missed there, and once where nothing is."""
    quiet, loud = 0.02, 0.95
    of_a = stretch(
        detector,
        [(20, quiet), (6, loud), (24, quiet), (6, loud), (14, quiet), (6, loud), (40, quiet)],
        truth=(20, 44),
    )
    of_b = stretch(detector, [(96, quiet), (6, loud), (14, quiet)], truth=(70, 20))
    counts = confusion([[of_a], [of_b]], [detector, detector], 0.3)
    assert counts == [[2, 0, 0], [1, 0, 1], [0, 1, 0]]
