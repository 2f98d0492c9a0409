"""From scores of windows to events: the most probable sequence of background and events, found
while listening.

Every window's score becomes evidence, the logarithm of how much likelier it is inside an event than
outside. An event must bring more evidence than its rarity and its length cost: events are expected
so far apart, and as long as the labelled ones were. What brings the most is decided as the sound
goes on, with a memory of a few numbers per length, so that a microcontroller finds the same events
as a computer.

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

_MOST_WINDOWS = 256  # lengths that are told apart
_SURE = 255.0  # odds beyond which a score says nothing more; a step of int8 is 1/256
_IMPOSSIBLE = np.float32(-1e9)
_UNHEARD_OF = math.log(1e-6)  # what the most unusual length costs


class Run(NamedTuple):
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
        Mean time from event to event where the detector will listen.
    hold_off : int
        Windows after an event's last one before it is told; at least 1.
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
                f"event_interval is {self.interval:g} windows; it must be more than one, such as 45 s"
            )

    @property
    def cost(self) -> np.float32:
        """Evidence that an event of any length must bring."""
        return np.float32(math.log(self.interval))

    @cached_property
    def density(self) -> Scores:
        """Logarithm of the probability of every length from 1 on; the last stands for all beyond
        [shape=(n_lengths,)].
        """
        return self._logarithms(np.append(-np.diff(self._beyond), self._beyond[-1]))

    @cached_property
    def survival(self) -> Scores:
        """Logarithm of the probability of that length or more [shape=(n_lengths,)]."""
        return self._logarithms(self._beyond)

    @cached_property
    def _beyond(self) -> npt.NDArray[np.float64]:
        """Probability of a length of at least 1, 2, ...: log-normal, rounded to whole windows."""
        longest = min(math.ceil(self.length * math.exp(3 * self.spread)) + 1, _MOST_WINDOWS)
        lengths = np.log(np.arange(1, max(longest, 2) + 1) - 0.5)
        below = [
            0.0,
            *(
                0.5 * (1 + math.erf((x - math.log(self.length)) / self.spread / math.sqrt(2)))
                for x in lengths[1:]
            ),
        ]
        return 1 - np.array(below)

    @staticmethod
    def _logarithms(probabilities: npt.NDArray[np.float64]) -> Scores:
        return np.maximum(np.log(np.maximum(probabilities, 1e-300)), _UNHEARD_OF).astype(np.float32)

    def runs(self, scores: Scores, threshold: float) -> list[Run]:
        """Return the events, as a stream would find them.

        Parameters
        ----------
        scores : np.ndarray [shape=(n_windows,)]
            0 to 1.
        threshold : float
            Score that speaks neither for nor against an event.
        """
        longest = len(self.density)
        # Of an event that has been on for 1, 2, ... windows: what speaks for it over the best
        # explanation without it, the sum of its scores, and the event that this explanation has
        # before it, unless that was told.
        gain = np.full(longest, _IMPOSSIBLE)
        total = np.zeros(longest, dtype=np.float32)
        before: list[Run | None] = [None] * longest
        long_since = (
            0  # first window of the last of them, which stands for all that are as long or longer
        )
        pending: Run | None = None  # the last event of the best explanation, unless it was told
        known = -1  # window after which an event was known to be on
        found: list[Run] = []

        def tell(one: Run, now: int) -> None:
            found.append(one)
            # Now it is settled: what began before its end is no longer possible.
            before[:] = [None] * longest
            gain[now - one.last : longest - 1] = _IMPOSSIBLE
            if long_since <= one.last:
                gain[-1] = _IMPOSSIBLE

        def take(index: int, now: int) -> Run:
            """Return an event as the last one of the best explanation, after telling the one before
            it.
            """
            since = pending.reported if pending else known
            if earlier := before[index]:
                tell(earlier, now)
                since = now
            first = long_since if index == longest - 1 else now - index
            return Run(first, now, float(total[index] / np.float32(now - first + 1)), since)

        for now, (value, score) in enumerate(zip(evidence(scores, threshold), scores, strict=True)):
            # Every event that is on has become a window longer; the longest ones share a place,
            # where the better one stays.
            if gain[-2] > gain[-1]:
                gain[-1], total[-1], before[-1], long_since = (
                    gain[-2],
                    total[-2],
                    before[-2],
                    now - longest + 1,
                )
            gain[1:-1], total[1:-1], before[1:-1] = gain[:-2].copy(), total[:-2].copy(), before[:-2]
            gain[0], total[0], before[0] = -self.cost, 0.0, pending
            gain += value
            total += score
            if known < 0 and (gain + self.survival).max() > 0:
                known = now
            ended = gain + self.density
            best = int(ended.argmax())
            reached = ended[best]
            if reached > 0:
                pending = take(best, now)
                gain -= reached
            on = (gain + self.survival).max() > 0
            if pending and not on and now - pending.last >= self.hold_off:
                tell(pending, now)
                pending = None
            if not on and not pending:
                known = -1
        if len(scores):
            # The sound may end within an event.
            now = len(scores) - 1
            lasting = gain + self.survival
            best = int(lasting.argmax())
            if lasting[best] > 0:
                pending = take(best, now)
            if pending:
                found.append(pending)
        return found


def evidence(scores: Scores, threshold: float) -> Scores:
    """Return how much likelier every score is inside an event than outside, as a logarithm; 0 at
    the threshold.

    The network was trained with classes that weigh alike, so that its odds are that ratio.
    """
    likely = np.clip(scores.astype(np.float64), 1 / (1 + _SURE), _SURE / (1 + _SURE))
    return (np.log(likely / (1 - likely)) - math.log(threshold / (1 - threshold))).astype(
        np.float32
    )
