"""How good an event detector is: by window, and by event, which is what matters in use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from stethoscope.events import Event, EventDetector, Scores

Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Stretch:
    """A stretch of one recording that is judged as a whole.

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
    """Quality of the decisions on windows; `auc` and `ap` are None where all windows are alike."""

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
        0 where nothing was found or nothing is there.
    false_per_hour : float
    delay : float or None
        Mean time from an event's start until a stream has told it, in seconds, over the hits.
    hours : float
        Sound that was judged.
    """

    hits: int
    missed: int
    false_events: int
    precision: float
    recall: float
    f1: float
    false_per_hour: float
    delay: float | None
    hours: float


def match(found: Sequence[Event], truth: Spans, tolerance: float) -> list[tuple[int, int]]:
    """Pair found events with true ones; start and end must both lie within the tolerance, in seconds.

    No event is paired twice. Both lists are in order of time and their events apart, so that pairing the earliest pair that
    fits, again and again, gives as many pairs as any way of pairing.

    Returns
    -------
    list of (int, int)
        Indices into `found` and `truth`.

    References
    ----------
    A. Mesaros, T. Heittola, T. Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6(6), 2016.
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
    """Measure the decisions on single windows, not smoothed."""
    truth, decided = labels > 0.5, scores > threshold
    both = bool(truth.any() and not truth.all())
    return WindowFigures(
        true_positives=int((truth & decided).sum()),
        false_positives=int((~truth & decided).sum()),
        true_negatives=int((~truth & ~decided).sum()),
        false_negatives=int((truth & ~decided).sum()),
        accuracy=float((truth == decided).mean()),
        loss=float(log_loss(truth, np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7), labels=[False, True])),
        auc=float(roc_auc_score(truth, scores)) if both else None,
        ap=float(average_precision_score(truth, scores)) if both else None,
    )


def event_figures(stretches: Sequence[Stretch], detector: EventDetector, tolerance: float) -> EventFigures:
    """Measure the events of a detector."""
    hits = found = true = 0
    delays: list[float] = []
    for stretch in stretches:
        events = events_of(stretch, detector)
        pairs = match(events, stretch.truth, tolerance)
        hits, found, true = hits + len(pairs), found + len(events), true + len(stretch.truth)
        delays += [events[i].told - stretch.truth[j][0] for i, j in pairs]
    hours = sum(stretch.end - stretch.start for stretch in stretches) / 3600
    return EventFigures(
        hits=hits,
        missed=true - hits,
        false_events=found - hits,
        precision=hits / found if found else 0.0,
        recall=hits / true if true else 0.0,
        f1=2 * hits / (found + true) if found + true else 0.0,
        false_per_hour=(found - hits) / hours,
        delay=float(np.mean(delays)) if delays else None,
        hours=hours,
    )


def events_of(stretch: Stretch, detector: EventDetector) -> list[Event]:
    """Return the events that the detector finds in a stretch, in seconds of the recording."""
    return [
        Event(event.start + stretch.start, event.end + stretch.start, event.score, event.told + stretch.start)
        for event in detector.events(stretch.scores)
    ]


def calibrate(stretches: Sequence[Stretch], detector: EventDetector, tolerance: float = 0.3) -> float:
    """Return the threshold of the smoothed scores that serves validation recordings best.

    The highest F1 over events decides, among equals that over windows; of what is left the candidate in the middle is taken: it is farthest
    from where it would begin to fail. The detector is left with that threshold.
    """
    labels = np.concatenate([stretch.labels for stretch in stretches]) > 0.5
    # A smoothed score stands for the window in the middle of its mean.
    back = detector.debounce.smoothing // 2
    late = np.zeros(back, dtype=np.float32)
    smoothed = np.concatenate([np.concatenate([detector.debounce.smooth(one.scores)[back:], late])[: len(one.labels)] for one in stretches])
    candidates = [round(float(candidate), 4) for candidate in np.linspace(0.02, 0.98, 49)]
    quality = []
    for candidate in candidates:
        detector.threshold = candidate
        quality.append((event_figures(stretches, detector, tolerance).f1, _f1(labels, smoothed > candidate)))
    best = [candidate for candidate, reached in zip(candidates, quality, strict=True) if reached == max(quality)]
    detector.threshold = best[len(best) // 2]
    return detector.threshold


def _f1(truth: npt.NDArray[np.bool_], decided: npt.NDArray[np.bool_]) -> float:
    total = int(truth.sum()) + int(decided.sum())
    return 2 * int((truth & decided).sum()) / total if total else 0.0
