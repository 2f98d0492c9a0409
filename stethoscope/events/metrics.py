"""Figures of an event detector by window and by event, and the choice of its threshold."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from stethoscope.events.decoder import Scores
from stethoscope.events.model import Event, EventClass
from stethoscope.events.options import EventFit
from stethoscope.stats.rate import rate

Spans = Sequence[tuple[float, float]]

_CANDIDATES = [round(1 / (1 + math.exp(-odds / 4)), 4) for odds in range(-16, 17)]
"""Thresholds that are tried, evenly spaced in the logarithm of their odds."""


@dataclass(frozen=True)
class Stretch:
    """Consecutive windows of one recording for one class, which are decoded together.

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
    stretches: Sequence[Stretch], detector: EventClass, tolerance: float
) -> EventFigures:
    """Measure the events of a class."""
    hits = found = true = 0
    delays: list[float] = []
    for stretch in stretches:
        events = events_of(stretch, detector)
        pairs = match(events, stretch.truth, tolerance)
        hits, found, true = hits + len(pairs), found + len(events), true + len(stretch.truth)
        delays += [events[i].reported_at - stretch.truth[j][0] for i, j in pairs]
    hours = sum(stretch.end - stretch.start for stretch in stretches) / 3600
    delay = float(np.mean(delays)) if delays else None
    return _event_figures(hits, found, true, hours, delay)


def pooled_windows(figures: Sequence[WindowFigures]) -> WindowFigures:
    """Return the figures of several classes together; AUC and AP are their means."""
    defined = [one for one in figures if one.auc is not None and one.ap is not None]
    return WindowFigures(
        true_positives=sum(one.true_positives for one in figures),
        false_positives=sum(one.false_positives for one in figures),
        true_negatives=sum(one.true_negatives for one in figures),
        false_negatives=sum(one.false_negatives for one in figures),
        accuracy=float(np.mean([one.accuracy for one in figures])),
        loss=float(np.mean([one.loss for one in figures])),
        auc=float(np.mean([one.auc for one in defined])) if defined else None,
        ap=float(np.mean([one.ap for one in defined])) if defined else None,
    )


def pooled_events(figures: Sequence[EventFigures]) -> EventFigures:
    """Return the figures of the events of several classes together, found in the same sound."""
    hits = sum(one.hits for one in figures)
    delays = [one.delay * one.hits for one in figures if one.delay is not None]
    return _event_figures(
        hits=hits,
        found=hits + sum(one.false_events for one in figures),
        true=hits + sum(one.missed for one in figures),
        hours=figures[0].hours,
        delay=sum(delays) / hits if hits else None,
    )


def _event_figures(
    hits: int, found: int, true: int, hours: float, delay: float | None
) -> EventFigures:
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
        delay=delay,
        hours=hours,
    )


def confusion(
    stretches: Sequence[Sequence[Stretch]], classes: Sequence[EventClass], tolerance: float
) -> list[list[int]]:
    """Count the found events of each class by the class of the labelled event that they overlap.

    Every found event counts once: a hit for its own class, another one for the labelled event of
    its class that it overlaps, or else for that which it overlaps the most.

    Parameters
    ----------
    stretches : sequence of sequence of Stretch
        Of every class, over the same parts of the same recordings.
    classes : sequence of EventClass
    tolerance : float
        In seconds.

    Returns
    -------
    list of list of int [shape=(n_classes + 1, n_classes + 1)]
        A row per labelled class, and one for finds that overlap no labelled event; a column per
        found class, and one for labelled events that have none of the finds.
    """
    nothing = len(classes)
    counts = [[0] * (nothing + 1) for _ in range(nothing + 1)]
    for same in zip(*stretches, strict=True):
        labelled, finds = [], []
        for index, (stretch, one) in enumerate(zip(same, classes, strict=True)):
            found = events_of(stretch, one)
            pairs = match(found, stretch.truth, tolerance)
            counts[index][index] += len(pairs)
            hits, matched = {i for i, _ in pairs}, {j for _, j in pairs}
            finds += [(index, a.start, a.end) for i, a in enumerate(found) if i not in hits]
            labelled += [(index, *span, j in matched) for j, span in enumerate(stretch.truth)]
        for row, column in _attributed(labelled, finds, nothing):
            counts[row][column] += 1
    return counts


def _attributed(
    labelled: Sequence[tuple[int, float, float, bool]],
    finds: Sequence[tuple[int, float, float]],
    nothing: int,
) -> Iterator[tuple[int, int]]:
    """Yield labelled and found class of the finds that are no hits, and of events without a find.

    Parameters
    ----------
    labelled : sequence of (int, float, float, bool)
        Class, start and end of the labelled events, and whether they were hit.
    finds : sequence of (int, float, float)
        Class, start and end of the found events that are no hits.
    nothing : int
        Stands for no class.
    """
    without = {place for place, one in enumerate(labelled) if not one[3]}
    for index, start, end in finds:
        overlaps = [
            (one[0] == index, min(end, one[2]) - max(start, one[1]), place)
            for place, one in enumerate(labelled)
            if one[1] < end and start < one[2]
        ]
        if not overlaps:
            yield nothing, index
            continue
        place = max(overlaps)[2]
        without.discard(place)
        yield labelled[place][0], index
    yield from ((labelled[place][0], nothing) for place in without)


def events_of(stretch: Stretch, detector: EventClass) -> list[Event]:
    """Return the events that are found in a stretch, in seconds of the recording."""
    return [
        replace(
            event,
            start=event.start + stretch.start,
            end=event.end + stretch.start,
            reported_at=event.reported_at + stretch.start,
        )
        for event in detector.events(stretch.scores)
    ]


def calibrate(
    stretches: Sequence[Stretch],
    detector: EventClass,
    fit: EventFit,
    near: float | None = None,
) -> float:
    """Set the threshold of a class to the best one for validation sounds, and return it.

    The candidates with the highest F1 over events are equally good; of these the one at three
    quarters of their range is taken, not the middle: the background of a long day varies more than
    that of a few recordings, while events vary little. With `near` it is the nearest to that one.
    If no candidate finds an event within the tolerance, it is the nearest to 0.5, the score at
    which the balanced classes of the training are equally likely.

    With ``fit.false_per_hour`` only candidates are compared that keep to it; where none does, the
    highest is taken.

    Parameters
    ----------
    stretches : sequence of Stretch
        Validation recordings and background, scored by this detector.
    detector : EventClass
        Its threshold is changed.
    fit : EventFit
        Gives the tolerance, and the number of false events per hour that is wanted.
    near : float, optional
        Threshold that is right unless the validation sounds show that others are better.
    """
    reached = _figures_of(stretches, detector, fit)
    if fit.false_per_hour:
        wanted = fit.false_per_hour
        kept = {one: found for one, found in reached.items() if found.false_per_hour <= wanted}
        reached = kept or {_CANDIDATES[-1]: reached[_CANDIDATES[-1]]}
    highest = max(one.f1 for one in reached.values())
    best = [threshold for threshold, one in reached.items() if one.f1 == highest]
    detector.threshold = _of_equally_good(best, near if highest > 0 else 0.5)
    return detector.threshold


def _of_equally_good(thresholds: Sequence[float], near: float | None) -> float:
    """Return the threshold nearest to `near`, or that at three quarters of the range."""
    if near is None:
        return thresholds[3 * len(thresholds) // 4]
    return min(thresholds, key=lambda one: abs(one - near))


def _figures_of(
    stretches: Sequence[Stretch], detector: EventClass, fit: EventFit
) -> dict[float, EventFigures]:
    """Return the figures with each candidate."""
    figures = {}
    for candidate in _CANDIDATES:
        detector.threshold = candidate
        figures[candidate] = event_figures(stretches, detector, fit.tolerance)
    return figures
