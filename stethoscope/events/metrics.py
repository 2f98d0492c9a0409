"""Figures of an event detector by window and by event, and the choice of its threshold."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from stethoscope.events.decoder import Scores
from stethoscope.events.model import Event, EventDetector
from stethoscope.events.options import EventFit
from stethoscope.stats.rate import rate

Spans = Sequence[tuple[float, float]]

_CANDIDATES = [round(1 / (1 + math.exp(-odds / 4)), 4) for odds in range(-16, 17)]
"""Thresholds that are tried, evenly spaced in the logarithm of their odds."""


@dataclass(frozen=True)
class Stretch:
    """Consecutive windows of one recording, which are decoded together.

    Attributes
    ----------
    path : str
        Name of the recording.
    start, end : float
        In seconds of the recording.
    labels, scores : np.ndarray of float32 [shape=(n_windows,)]
    truth : list of (float, float)
        The events in it, in seconds of the recording.
    """

    path: str
    start: float
    end: float
    labels: Scores
    scores: Scores
    truth: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """Quality of the decisions on windows.

    Attributes
    ----------
    true_positives, false_positives, true_negatives, false_negatives : int
        Windows whose score is above the threshold, or not, inside and outside events.
    accuracy : float
    loss : float
        Mean log loss of the scores.
    auc, ap : float or None
        Area under the ROC curve and average precision; None if all windows have the same label.
    """

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    accuracy: float
    loss: float
    auc: float | None
    ap: float | None


@dataclass(frozen=True, slots=True)
class EventFigures:
    """Quality of the events.

    Attributes
    ----------
    hits, missed, false_events : int
    precision, recall, f1 : float
        0 where no event was found or there is none.
    false_per_hour : float
    false_per_hour_low, false_per_hour_high : float
        Its 95 % interval.
    delay : float or None
        Mean time from the start of an event to its ``reported_at``, in seconds, over the hits.
    hours : float
        Duration of the sound.
    """

    hits: int
    missed: int
    false_events: int
    precision: float
    recall: float
    f1: float
    false_per_hour: float
    false_per_hour_low: float
    false_per_hour_high: float
    delay: float | None
    hours: float


def match(found: Sequence[Event], truth: Spans, tolerance: float) -> list[tuple[int, int]]:
    """Pair found events with true ones whose start and end both lie within the tolerance.

    No event is in two pairs. Both lists are in order of time and their events do not overlap, so
    that pairing the earliest pair that fits, again and again, gives as many pairs as is possible.

    Parameters
    ----------
    found : sequence of Event
    truth : sequence of (float, float)
        Start and end of the true events, in seconds.
    tolerance : float
        In seconds.

    Returns
    -------
    list of (int, int)
        Indices into `found` and `truth`.

    References
    ----------
    A. Mesaros, T. Heittola, T. Virtanen, "Metrics for polyphonic sound event detection", Applied
    Sciences 6(6), 2016.
    """
    pairs = []
    i = j = 0
    while i < len(found) and j < len(truth):
        start, end = found[i].start - truth[j][0], found[i].end - truth[j][1]
        if abs(start) <= tolerance and abs(end) <= tolerance:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif start < -tolerance or (start <= tolerance and end < -tolerance):
            i += 1
        else:
            j += 1
    return pairs


def window_figures(labels: Scores, scores: Scores, threshold: float) -> WindowFigures:
    """Measure the decisions on single windows, before decoding."""
    truth, decided = labels > 0.5, scores > threshold
    both = bool(truth.any() and not truth.all())
    return WindowFigures(
        true_positives=int((truth & decided).sum()),
        false_positives=int((~truth & decided).sum()),
        true_negatives=int((~truth & ~decided).sum()),
        false_negatives=int((truth & ~decided).sum()),
        accuracy=float((truth == decided).mean()),
        loss=float(
            log_loss(
                truth, np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7), labels=[False, True]
            )
        ),
        auc=float(roc_auc_score(truth, scores)) if both else None,
        ap=float(average_precision_score(truth, scores)) if both else None,
    )


def event_figures(
    stretches: Sequence[Stretch], detector: EventDetector, tolerance: float
) -> EventFigures:
    """Measure the events of a detector."""
    hits = found = true = 0
    delays: list[float] = []
    for stretch in stretches:
        events = events_of(stretch, detector)
        pairs = match(events, stretch.truth, tolerance)
        hits, found, true = hits + len(pairs), found + len(events), true + len(stretch.truth)
        delays += [events[i].reported_at - stretch.truth[j][0] for i, j in pairs]
    hours = sum(stretch.end - stretch.start for stretch in stretches) / 3600
    often = rate(found - hits, hours)
    return EventFigures(
        hits=hits,
        missed=true - hits,
        false_events=found - hits,
        precision=hits / found if found else 0.0,
        recall=hits / true if true else 0.0,
        f1=2 * hits / (found + true) if found + true else 0.0,
        false_per_hour=(found - hits) / hours,
        false_per_hour_low=often.low or 0.0,
        false_per_hour_high=often.high or 0.0,
        delay=float(np.mean(delays)) if delays else None,
        hours=hours,
    )


def events_of(stretch: Stretch, detector: EventDetector) -> list[Event]:
    """Return the events that the detector finds in a stretch, in seconds of the recording."""
    return [
        Event(
            start=event.start + stretch.start,
            end=event.end + stretch.start,
            score=event.score,
            reported_at=event.reported_at + stretch.start,
        )
        for event in detector.events(stretch.scores)
    ]


def calibrate(
    stretches: Sequence[Stretch],
    detector: EventDetector,
    fit: EventFit,
    mixed: Sequence[Stretch] = (),
) -> float:
    """Set the detector's threshold to the best one for validation sounds, and return it.

    The candidates with the highest F1 over events are equally good; of these the one at three
    quarters of their range is taken, not the middle: the background of a long day varies more than
    that of a few recordings, while events vary little. Where the recordings are also given with
    other background mixed in, only those of the candidates count that find these events best. If no
    candidate finds an event within the tolerance, the threshold is 0.5, the score at which the
    balanced classes of the training are equally likely.

    With ``fit.false_per_hour`` only candidates are compared that keep to it; where none does, the
    highest is taken.

    Parameters
    ----------
    stretches : sequence of Stretch
        Validation recordings and background, scored by this detector.
    detector : EventDetector
        Its threshold is changed.
    fit : EventFit
        Gives the tolerance, and the number of false events per hour that is wanted.
    mixed : sequence of Stretch
        Validation recordings with background mixed in.
    """
    reached = _figures_of(_CANDIDATES, stretches, detector, fit)
    if fit.false_per_hour:
        wanted = fit.false_per_hour
        kept = {one: found for one, found in reached.items() if found.false_per_hour <= wanted}
        reached = kept or {_CANDIDATES[-1]: reached[_CANDIDATES[-1]]}
    best = _highest(reached)
    found = reached[best[0]].f1 > 0
    if found and mixed:
        best = _highest(_figures_of(best, mixed, detector, fit))
    detector.threshold = best[3 * len(best) // 4] if found else 0.5
    return detector.threshold


def _figures_of(
    candidates: Sequence[float],
    stretches: Sequence[Stretch],
    detector: EventDetector,
    fit: EventFit,
) -> dict[float, EventFigures]:
    """Return the figures with each threshold."""
    figures = {}
    for candidate in candidates:
        detector.threshold = candidate
        figures[candidate] = event_figures(stretches, detector, fit.tolerance)
    return figures


def _highest(figures: Mapping[float, EventFigures]) -> list[float]:
    """Return the thresholds with the highest F1."""
    highest = max(one.f1 for one in figures.values())
    return [threshold for threshold, one in figures.items() if one.f1 == highest]
