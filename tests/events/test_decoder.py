"""The decoder against an exhaustive search, a simpler search, scipy, and cases by hand."""

import math
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stethoscope.errors import ParameterError
from stethoscope.events.decoder import Decoder, EventWindows, Search, evidence


def decoder(**options: float) -> Decoder:
    return Decoder(**{"length": 6.0, "spread": 0.3, "interval": 100.0, "hold_off": 3, **options})  # type: ignore[arg-type]


def spans(found: list[EventWindows]) -> list[tuple[int, int]]:
    return [(one.first, one.last) for one in found]


def scores(*parts: tuple[int, float]) -> npt.NDArray[np.float32]:
    """Return so many windows of each score."""
    return np.concatenate([np.full(count, score, dtype=np.float32) for count, score in parts])


def test_probabilities_of_lengths_equal_those_of_scipys_log_normal() -> None:
    from scipy.stats import lognorm

    found = decoder()
    law = lognorm(0.3, scale=6.0)
    lengths = np.arange(1, len(found.density) + 1)
    beyond = law.sf(lengths - 0.5)
    beyond[0] = 1.0
    assert np.exp(found.survival) == pytest.approx(np.maximum(beyond, 1e-6), rel=1e-4)
    assert np.exp(found.density[:-1]) == pytest.approx(np.maximum(-np.diff(beyond), 1e-6), rel=1e-4)
    assert np.exp(found.density).sum() == pytest.approx(1.0, abs=1e-4)


def test_evidence_is_the_logarithm_of_the_odds_over_those_of_the_threshold() -> None:
    assert evidence(np.array([0.5, 0.8, 0.2], dtype=np.float32), 0.5) == pytest.approx(
        [0, math.log(4), -math.log(4)], rel=1e-5
    )
    assert evidence(np.array([0.8], dtype=np.float32), 0.8) == pytest.approx([0], abs=1e-5)
    assert evidence(np.array([0.0, 1.0], dtype=np.float32), 0.5) == pytest.approx(
        [-math.log(255), math.log(255)]
    )


def test_clear_events_are_found_exactly() -> None:
    scored = scores((9, 0.02), (6, 0.97), (12, 0.02), (5, 0.97), (10, 0.02))
    assert spans(decoder().decode(scored, 0.5)) == [(9, 14), (27, 31)]
    assert decoder().decode(scored, 0.5)[0].score == pytest.approx(0.97)


def test_event_ends_at_its_typical_length_if_scores_stay_doubtful() -> None:
    scored = scores((10, 0.02), (6, 0.99), (5, 0.55), (20, 0.02))
    assert spans(decoder(spread=0.1).decode(scored, 0.5)) == [(10, 15)]
    assert spans(decoder(length=11.0, spread=0.1).decode(scored, 0.5)) == [(10, 20)]


def test_low_score_within_an_event_does_not_end_it() -> None:
    assert spans(
        decoder().decode(scores((10, 0.02), (3, 0.99), (1, 0.1), (3, 0.99), (10, 0.02)), 0.5)
    ) == [(10, 16)]


def test_rare_events_need_more_evidence() -> None:
    doubtful = scores((20, 0.05), (6, 0.75), (20, 0.05))
    assert spans(decoder(interval=30.0).decode(doubtful, 0.5)) == [(20, 25)]
    assert decoder(interval=30_000.0).decode(doubtful, 0.5) == []


def test_single_window_is_no_event() -> None:
    assert decoder(spread=0.2).decode(scores((20, 0.02), (1, 0.99), (20, 0.02)), 0.5) == []


def test_event_far_longer_than_expected_is_one_event() -> None:
    scored = scores((20, 0.02), (400, 0.97), (20, 0.02), (6, 0.97), (20, 0.02))
    assert len(decoder().density) < 30
    assert spans(decoder().decode(scored, 0.5)) == [(20, 419), (440, 445)]


def test_two_events_with_a_short_gap_are_two() -> None:
    scored = scores((20, 0.02), (6, 0.99), (2, 0.02), (6, 0.99), (20, 0.02))
    assert spans(decoder(spread=0.1, interval=20.0).decode(scored, 0.5)) == [(20, 25), (28, 33)]


def test_event_at_the_beginning_or_end_of_the_sound_is_found() -> None:
    assert spans(decoder().decode(scores((20, 0.02), (4, 0.99)), 0.5)) == [(20, 23)]
    assert spans(decoder().decode(scores((3, 0.99), (20, 0.02)), 0.5)) == [(0, 2)]
    assert decoder().decode(np.empty(0, dtype=np.float32), 0.5) == []


def test_event_is_reported_before_its_end_and_sooner_if_events_are_frequent() -> None:
    scored = scores((20, 0.02), (8, 0.9), (20, 0.02))
    often, seldom = (
        decoder(interval=interval).decode(scored, 0.5)[0] for interval in (10.0, 5000.0)
    )
    assert 20 <= often.reported < seldom.reported < 28


def best_explanation(values: npt.NDArray[np.float64], of: Decoder) -> float:
    """Return the most that any sequence of background and whole events gains, by trying all."""

    @cache
    def gain(now: int) -> float:
        if now >= len(values):
            return 0.0
        most = gain(now + 1)
        for length in range(1, min(len(of.density), len(values) - now + 1)):
            most = max(
                most,
                float(values[now : now + length].sum())
                - float(of.cost)
                + float(of.density[length - 1])
                + gain(now + length),
            )
        return most

    return gain(0)


def test_explanation_found_online_is_nearly_as_good_as_the_best_one() -> None:
    """The search decides forward in time; it is compared with the best of all explanations."""
    rng = np.random.default_rng(0)
    rule = decoder(interval=20.0)
    reached, possible = [], []
    for _ in range(200):
        drawn = rng.choice([0.01, 0.1, 0.3, 0.6, 0.9, 0.99], rng.integers(8, 31)).astype(np.float32)
        scored = np.concatenate([np.repeat(drawn, rng.integers(1, 4)), scores((20, 0.01))])
        values = evidence(scored, 0.5).astype(np.float64)
        gains = [
            values[one.first : one.last + 1].sum()
            - rule.cost
            + rule.density[min(one.last - one.first, len(rule.density) - 1)]
            for one in rule.decode(scored, 0.5)
        ]
        reached.append(sum(gains))
        possible.append(best_explanation(values, rule))
    assert min(reached) >= 0
    assert np.mean(np.array(reached) > np.array(possible) - 1e-3) > 0.9
    assert sum(reached) > 0.99 * sum(possible)


@dataclass
class Candidate:
    """An event that is on, in the search below."""

    first: int
    gain: np.float32
    total: np.float32
    before: EventWindows | None


class ReferenceSearch:
    """Searches for events as :class:`Search` does, with a list of candidates by first window.

    Nothing is moved from place to place here. Of all candidates that are as long as the longest
    length or longer only the best one stays.
    """

    def __init__(self, rule: Decoder) -> None:
        self.rule = rule
        self.candidates: list[Candidate] = []
        self.final: list[EventWindows] = []
        self.pending: EventWindows | None = None
        self.reported = -1
        self.now = -1

    def step(self, value: np.float32, score: np.float32) -> None:
        self.now += 1
        self.lengthen(value, score)
        if self.reported < 0 and self.best(self.rule.survival)[0] > 0:
            self.reported = self.now
        gained, candidate = self.best(self.rule.density)
        if candidate and gained > 0:
            self.pending = self.end(candidate)
            for one in self.candidates:
                one.gain -= gained
        if self.best(self.rule.survival)[0] > 0:
            return
        if self.pending and self.now - self.pending.last >= self.rule.hold_off:
            self.make_final(self.pending)
            self.pending = None
        if not self.pending:
            self.reported = -1

    def finish(self) -> list[EventWindows]:
        gained, candidate = self.best(self.rule.survival)
        if candidate and gained > 0:
            self.pending = self.end(candidate)
        return self.final + ([self.pending] if self.pending else [])

    def lengthen(self, value: np.float32, score: np.float32) -> None:
        longest = len(self.rule.density)
        long = [one for one in self.candidates if self.now - one.first >= longest - 1]
        kept = max(long, key=lambda one: one.gain, default=None)
        self.candidates = [one for one in self.candidates if one is kept or one not in long]
        self.candidates.append(Candidate(self.now, -self.rule.cost, np.float32(0), self.pending))
        for one in self.candidates:
            one.gain, one.total = one.gain + value, one.total + score

    def best(self, expected: npt.NDArray[np.float32]) -> tuple[float, Candidate | None]:
        """Return the most evidence, and its candidate; of equally good ones the shortest."""
        best: tuple[float, Candidate | None] = (-1.0, None)
        for one in reversed(self.candidates):
            gained = one.gain + expected[min(self.now - one.first, len(expected) - 1)]
            if best[1] is None or gained > best[0]:
                best = (gained, one)
        return best

    def end(self, one: Candidate) -> EventWindows:
        reported = self.pending.reported if self.pending else self.reported
        if one.before:
            self.make_final(one.before)
            reported = self.now
        score = float(one.total / np.float32(self.now - one.first + 1))
        return EventWindows(one.first, self.now, score, reported)

    def make_final(self, event: EventWindows) -> None:
        self.final.append(event)
        later = [one for one in self.candidates if one.first > event.last]
        self.candidates = [replace(one, before=None) for one in later]


@pytest.mark.slow
@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.02, 0.4, 0.5, 0.55, 0.6, 0.98]), st.integers(1, 40)),
        max_size=10,
    ),
    st.sampled_from([1, 2, 5, 100]),
    st.floats(1.0, 6.0),
    st.floats(0.1, 0.8),
    st.sampled_from([1.5, 5.0, 30.0, 1000.0]),
)
def test_search_finds_the_events_of_a_search_over_all_first_windows(
    parts: list[tuple[float, int]], hold_off: int, length: float, spread: float, interval: float
) -> None:
    rule = decoder(hold_off=hold_off, length=length, spread=spread, interval=interval)
    scored = scores(*((count, score) for score, count in parts), (0, 0.0))
    search = ReferenceSearch(rule)
    for value, score in zip(evidence(scored, 0.5), scored, strict=True):
        search.step(value, score)
    assert rule.decode(scored, 0.5) == search.finish()


def test_step_returns_an_event_when_its_hold_off_has_passed() -> None:
    scored = scores((9, 0.02), (6, 0.97), (12, 0.02), (6, 0.97))
    search = Search(decoder(hold_off=3))
    returned = {
        now: search.step(value, score)
        for now, (value, score) in enumerate(zip(evidence(scored, 0.5), scored, strict=True))
    }
    assert {now: spans(found) for now, found in returned.items() if found} == {17: [(9, 14)]}
    assert spans(search.finish()) == [(27, 32)]


@given(
    st.lists(st.floats(0, 1, width=32), max_size=80),
    st.integers(1, 5),
    st.floats(1.0, 20.0),
    st.floats(0.1, 1.0),
)
def test_events_are_in_order_and_do_not_overlap(
    drawn: list[float], hold_off: int, length: float, spread: float
) -> None:
    found = decoder(hold_off=hold_off, length=length, spread=spread, interval=3.0).decode(
        np.array(drawn, dtype=np.float32), 0.5
    )
    for one in found:
        assert 0 <= one.first <= one.last < len(drawn)
        assert 0 < one.score <= 1.0001
        assert one.reported <= one.last
    assert all(after.first > before.last for before, after in pairwise(found))


@given(st.lists(st.sampled_from([0.02, 0.5, 0.98]), min_size=1, max_size=50))
def test_final_events_are_not_changed_by_later_sound(drawn: list[float]) -> None:
    """Thirty windows of background make all events final."""
    rule = decoder(interval=20.0)
    first = np.concatenate([np.repeat(np.array(drawn, dtype=np.float32), 3), scores((30, 0.02))])
    found = rule.decode(first, 0.5)
    longer = np.concatenate([first, scores((9, 0.98), (30, 0.02))])
    assert rule.decode(longer, 0.5)[: len(found)] == found


@pytest.mark.parametrize("wrong", [{"hold_off": 0}, {"interval": 1.0}])
def test_impossible_expectation_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=f"event_{next(iter(wrong))}"):
        decoder(**wrong)
