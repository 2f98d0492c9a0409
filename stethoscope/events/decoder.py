"""From scores of windows to events: the most probable sequence of background and events.

The score of every window becomes evidence: the logarithm of how much likelier the score is inside
an event than outside. An event must bring more evidence than its rarity and its length cost. Events
are expected at a mean interval, with lengths like those of the labelled events. The search goes
forward in time, window by window, and keeps a few numbers per length, so that a microcontroller
finds the same events as a computer.

References
----------
S.-Z. Yu, "Hidden semi-Markov models", Artificial Intelligence 174(2), 2010.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stethoscope.errors import ParameterError

Scores = npt.NDArray[np.float32]

LEAST_SPREAD = 0.1
"""Smallest spread of the events' lengths: windows lie on a grid, and labels are set by hand."""

_MOST_LENGTHS = 256  # lengths with a probability of their own
_MOST_ODDS = 255.0  # higher odds are cut off: a step of the int8 network's score is 1/256
_IMPOSSIBLE = np.float32(-1e9)
_RAREST_LENGTH = math.log(1e-6)  # smallest logarithm of the probability of a length


class EventWindows(NamedTuple):
    """The windows of an event.

    Attributes
    ----------
    first, last : int
    score : float
        Mean score of these windows.
    reported : int
        The window after which a stream reports that the event is on.
    """

    first: int
    last: int
    score: float
    reported: int


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """What is expected of events, all in windows.

    Attributes
    ----------
    length : float
        Typical length of an event (the geometric mean).
    spread : float
        Standard deviation of the lengths' logarithm.
    interval : float
        Mean time from event to event where the detector will be used.
    hold_off : int
        Windows from the last window of an event until the event is final; at least 1.
    """

    length: float
    spread: float
    interval: float
    hold_off: int

    def __post_init__(self) -> None:
        if self.hold_off < 1:
            raise ParameterError(f"event_hold_off is {self.hold_off}; it must be at least 1 window")
        if not self.interval > 1:
            raise ParameterError(
                f"event_interval is {self.interval:g} windows; "
                "it must be more than one, such as 45 s"
            )

    @property
    def cost(self) -> np.float32:
        """Evidence that an event of any length must bring."""
        return np.float32(math.log(self.interval))

    @cached_property
    def density(self) -> Scores:
        """Logarithm of the probability of every length from 1 on [shape=(n_lengths,)].

        The last value is that of all lengths from there on.
        """
        return _logarithms(np.append(-np.diff(self._tail), self._tail[-1]))

    @cached_property
    def survival(self) -> Scores:
        """Logarithm of the probability of that length or more [shape=(n_lengths,)]."""
        return _logarithms(self._tail)

    @cached_property
    def _tail(self) -> npt.NDArray[np.float64]:
        """Probability of a length of at least 1, 2, ...: log-normal, rounded to whole windows."""
        longest = min(math.ceil(self.length * math.exp(3 * self.spread)) + 1, _MOST_LENGTHS)
        bounds = np.log(np.arange(1, max(longest, 2) + 1) - 0.5)
        center, scale = math.log(self.length), self.spread * math.sqrt(2)
        below = [0.5 * (1 + math.erf((bound - center) / scale)) for bound in bounds[1:]]
        return 1 - np.array([0.0, *below])

    def decode(self, scores: Scores, threshold: float) -> list[EventWindows]:
        """Return the events of a recording, as a stream would find them.

        Parameters
        ----------
        scores : np.ndarray [shape=(n_windows,)]
            0 to 1.
        threshold : float
            Score at which the evidence is 0.
        """
        search = Search(self)
        found: list[EventWindows] = []
        for value, score in zip(evidence(scores, threshold), scores, strict=True):
            found += search.step(value, score)
        return found + search.finish()


class Search:
    """The search for the events of one recording or stream, window by window.

    At every window there is a best explanation of the sound so far: a sequence of background and
    events that have ended. Besides, there is one candidate per length: an event that has been on
    for that many windows. The last place is for the best of all candidates of that length or more.

    An event is pending while it is the last one of the best explanation. It becomes final when
    `hold_off` windows have passed after it without another event, or when the best explanation has
    another event after it. Final events never change.

    Parameters
    ----------
    decoder : Decoder
        What is expected of events.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._places = len(decoder.density)
        # Of every candidate: its evidence over that of the best explanation, the sum of its scores,
        # and the event before it that is not final yet.
        self._gain = np.full(self._places, _IMPOSSIBLE)
        self._total = np.zeros(self._places, dtype=np.float32)
        self._before: list[EventWindows | None] = [None] * self._places
        self._oldest_first = 0  # first window of the candidate in the last place
        self._pending: EventWindows | None = None
        self._reported = -1  # window at which the current event was reported; -1: no event is on
        self._now = -1
        self._final: list[EventWindows] = []  # not returned yet

    def step(self, value: np.float32, score: np.float32) -> list[EventWindows]:
        """Take the next window, and return the events that became final with it.

        Parameters
        ----------
        value : float
            The window's evidence.
        score : float
            Its score, 0 to 1.
        """
        self._now += 1
        self._lengthen(value, score)
        if self._reported < 0 and self._is_on():
            self._reported = self._now
        ended = self._gain + self._decoder.density
        best = int(ended.argmax())
        gained = ended[best]
        if gained > 0:
            self._pending = self._end(best)
            self._gain -= gained
        if not self._is_on():
            self._close()
        return self._take_final()

    def finish(self) -> list[EventWindows]:
        """End the search; return the events that are not final yet, the last may still be on."""
        lasting = self._gain + self._decoder.survival
        best = int(lasting.argmax())
        if lasting[best] > 0:
            self._pending = self._end(best)
        if self._pending:
            self._final.append(self._pending)
            self._pending = None
        return self._take_final()

    def _close(self) -> None:
        """Make the pending event final if its hold-off has passed."""
        if self._pending and self._now - self._pending.last >= self._decoder.hold_off:
            self._make_final(self._pending)
            self._pending = None
        if not self._pending:
            self._reported = -1

    def _lengthen(self, value: np.float32, score: np.float32) -> None:
        """Make every candidate one window longer, and begin a new one."""
        gain, total, before = self._gain, self._total, self._before
        if gain[-2] > gain[-1]:
            gain[-1], total[-1], before[-1] = gain[-2], total[-2], before[-2]
            self._oldest_first = self._now - self._places + 1
        gain[1:-1], total[1:-1], before[1:-1] = gain[:-2].copy(), total[:-2].copy(), before[:-2]
        gain[0], total[0], before[0] = -self._decoder.cost, 0.0, self._pending
        gain += value
        total += score

    def _is_on(self) -> bool:
        """Return whether a candidate that lasts is better than the best explanation."""
        return bool((self._gain + self._decoder.survival).max() > 0)

    def _end(self, place: int) -> EventWindows:
        """Return a candidate as an event that ends now; the event before it becomes final."""
        reported = self._pending.reported if self._pending else self._reported
        if earlier := self._before[place]:
            self._make_final(earlier)
            reported = self._now
        first = self._oldest_first if place == self._places - 1 else self._now - place
        score = float(self._total[place] / np.float32(self._now - first + 1))
        return EventWindows(first, self._now, score, reported)

    def _make_final(self, event: EventWindows) -> None:
        """Make an event final: candidates that began before its end become impossible."""
        self._final.append(event)
        self._before = [None] * self._places
        self._gain[self._now - event.last : self._places - 1] = _IMPOSSIBLE
        if self._oldest_first <= event.last:
            self._gain[-1] = _IMPOSSIBLE

    def _take_final(self) -> list[EventWindows]:
        taken, self._final = self._final, []
        return taken


def evidence(scores: Scores, threshold: float) -> Scores:
    """Return the evidence of windows.

    It is the logarithm of how much likelier a score is inside an event than outside, and 0 at the
    threshold. The network was trained with balanced classes, so that its odds are that ratio.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_windows,)]
        0 to 1.
    threshold : float
        Score at which the evidence is 0.

    Returns
    -------
    np.ndarray [shape=(n_windows,), dtype=float32]
    """
    likely = np.clip(scores.astype(np.float64), 1 / (1 + _MOST_ODDS), _MOST_ODDS / (1 + _MOST_ODDS))
    odds = np.log(likely / (1 - likely))
    return (odds - math.log(threshold / (1 - threshold))).astype(np.float32)


def _logarithms(probabilities: npt.NDArray[np.float64]) -> Scores:
    logarithms = np.log(np.maximum(probabilities, 1e-300))
    return np.maximum(logarithms, _RAREST_LENGTH).astype(np.float32)
