"""Thresholds, decisions and probabilities from the scores of normal clips. NumPy only.

A threshold is the score above which a wanted share of normal clips lies, the false-alarm rate. It
is computed from clips that the detector was not trained on, because clips that it was trained on
score lower than new ones.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, get_args

import numpy as np

from stethoscope.checks import (
    both,
    check,
    entries,
    fields,
    flag,
    items,
    nullable,
    number,
    text,
    whole,
)
from stethoscope.counts import format_range
from stethoscope.detection.gamma import Gamma
from stethoscope.detection.options import ThresholdMethod, ThresholdOptions
from stethoscope.detection.recentring import RECENTRING, Recentring
from stethoscope.errors import ModelError
from stethoscope.machines import format_machines, machine_key, type_of, types_of

OWN_FIT = 30
"""Held-out normal clips from which on a machine has a fit of its own.

With fewer, it shares the fit of its type.
"""

_MIN_EXPECTED_BEYOND = 3.0
"""A threshold is reliable if at least this many held-out clips are expected above it."""

_LEAST_PROBABILITY = 1e-12
_HIGH, _LEAST_UNIT = 0.9, 1e-9


_THRESHOLD = fields(
    {
        "value": number(),
        "n_clips": whole(least=0),
        "pooled": flag,
        "gamma": nullable(
            fields(
                # Beyond these shapes the distribution cannot be computed in a bounded time.
                {
                    "shape": number(least=1e-3, most=1e6),
                    "scale": number(least=0),
                    "location": number(),
                }
            )
        ),
    }
)

_OPTIONAL = {"recentred": entries(RECENTRING), "sessions": entries(whole(least=1))}
_THRESHOLDS = fields(
    {
        "method": text(*get_args(ThresholdMethod)),
        "false_alarm_rate": number(above=0, below=1),
        "held_out": entries(items(number()), least=1),
        "offsets": entries(number()),
        "machines": entries(_THRESHOLD, least=1),
        "unknown": both(entries(_THRESHOLD), fields({"": _THRESHOLD})),
    },
    optional=_OPTIONAL,
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """The threshold of one machine, and the clips that it was computed from.

    Attributes
    ----------
    value : float
        A clip with a higher score is anomalous.
    n_clips : int
        Held-out normal clips that it was computed from.
    pooled : bool
        True if they are the clips of several machines, because this one has too few.
    gamma : Gamma or None
        The distribution of normal scores; None where a rank of the scores is taken instead.
    """

    value: float
    n_clips: int
    pooled: bool
    gamma: Gamma | None

    def moved(self, shift: float) -> "Threshold":
        """Return the threshold for scores that are higher by `shift`."""
        gamma = self.gamma and replace(self.gamma, location=self.gamma.location + shift)
        return replace(self, value=self.value + shift, gamma=gamma)


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of all machines of a detector, with the held-out scores behind them.

    Attributes
    ----------
    method : {"gamma", "empirical"}
    false_alarm_rate : float
        Wanted share of normal clips above the threshold.
    held_out : dict of str to tuple of float
        Sorted scores of normal clips not used for training, by machine (``fan/00``).
    offsets : dict of str to float
        Typical score of each machine; it is subtracted before machines are pooled.
    machines : dict of str to Threshold
        As they were fitted; :meth:`of` applies the shifts of `recentred`.
    unknown : dict of str to Threshold
        For a machine that is unknown or not named, by machine type, from the held-out scores of all
        machines of the type. The key ``""`` is for an unknown type, from all scores.
    recentred : dict of str to Recentring
        Thresholds that were moved to another place, by machine; an unknown id is ``fan/``.
    sessions : dict of str to int
        Recording sessions of the normal clips, of machines where they are known.
    """

    method: ThresholdMethod
    false_alarm_rate: float
    held_out: Mapping[str, tuple[float, ...]]
    offsets: Mapping[str, float]
    machines: Mapping[str, Threshold]
    unknown: Mapping[str, Threshold]
    recentred: Mapping[str, Recentring] = field(default_factory=dict)
    sessions: Mapping[str, int] = field(default_factory=dict)

    def threshold(self, machine: str | None) -> float:
        """Return the score above which a clip of this machine is anomalous."""
        return self.of(machine).value

    def decide(self, score: float, machine: str | None) -> bool:
        """Return whether the clip is anomalous."""
        return bool(score > self.threshold(machine))

    def probability(self, score: float, machine: str | None) -> float:
        """Return the probability that a normal clip of this machine scores lower.

        It is above 0 and below 1.
        """
        gamma = self.of(machine).gamma
        if gamma is None:
            reference = self.normal_scores(machine)
            rank = bisect_left(reference, score - self._shift(machine))
            return (rank + 0.5) / (len(reference) + 1)
        return min(max(gamma.cdf(score), _LEAST_PROBABILITY), 1 - _LEAST_PROBABILITY)

    def unit(self, machine: str | None) -> float:
        """Return the distance from the median of a machine's normal scores to their 0.9 quantile.

        By it, distances of scores can be compared between detectors and between machines.
        """
        gamma = self.of(machine).gamma
        if gamma is not None:
            return max(gamma.quantile(_HIGH) - gamma.quantile(0.5), _LEAST_UNIT)
        reference = _reference(machine or "", self.held_out, self.offsets)
        middle, high = np.quantile(reference, [0.5, _HIGH])
        return max(float(high - middle), _LEAST_UNIT)

    def of(self, machine: str | None) -> Threshold:
        """Return the threshold of a machine, one of :attr:`unknown` if the machine has none."""
        machine = machine or ""
        fitted = self.machines.get(machine) or self.unknown.get(type_of(machine))
        return (fitted or self.unknown[""]).moved(self._shift(machine))

    def normal_scores(self, machine: str | None) -> list[float]:
        """Return the sorted scores of normal clips behind a machine's threshold."""
        return _reference(machine or "", self.held_out, self.offsets)

    def _shift(self, machine: str | None) -> float:
        machine = machine or ""
        if machine not in self.machines:
            machine = machine_key(type_of(machine), "")
        return self.recentred[machine].shift if machine in self.recentred else 0.0

    def with_false_alarm_rate(
        self, false_alarm_rate: float, method: ThresholdMethod | None = None
    ) -> "Thresholds":
        """Return thresholds for another rate, and another method if given.

        They come from the same held-out scores; nothing is trained. Shifts stay.
        """
        fitted = fit_thresholds(
            self.held_out,
            self.offsets,
            false_alarm_rate=false_alarm_rate,
            method=method or self.method,
        )
        return replace(fitted, recentred=self.recentred, sessions=self.sessions)

    def reliable(self, machine: str | None) -> bool:
        """Return whether a machine has enough held-out clips for the wanted rate."""
        return self.of(machine).n_clips * self.false_alarm_rate >= _MIN_EXPECTED_BEYOND * (1 - 1e-9)

    def warnings(self) -> list[str]:
        """Return warnings about machines with too few held-out clips, or of a single session."""
        return [*self._few_clips(), *self._few_sessions()]

    def _few_clips(self) -> list[str]:
        rate = self.false_alarm_rate
        weak = {name: one for name, one in self.machines.items() if not self.reliable(name)}
        if not weak:
            return []
        pooled = ", pooled over machines" if any(one.pooled for one in weak.values()) else ""
        clips = format_range(one.n_clips for one in weak.values())
        noun = "clip" if clips == "1" else "clips"
        text = (
            f"the threshold for a false-alarm rate of {rate:g} is computed from {clips} "
            f"held-out normal {noun}{pooled}; "
            f"use {math.ceil(_MIN_EXPECTED_BEYOND / rate)} or more for a reliable threshold"
        )
        return [format_machines(list(weak), text)]

    def _few_sessions(self) -> list[str]:
        single = [machine for machine, number in self.sessions.items() if number == 1]
        if not single:
            return []
        text = (
            "all normal training clips are of one recording session, which does not show how "
            "sessions differ. In another session most normal clips can be false alarms, "
            f"although {100 * self.false_alarm_rate:g} % are wanted: record normal sound on two "
            "more days, or re-centre the threshold where the model is used "
            "(stethoscope threshold BUNDLE --recentre FILES)"
        )
        return [format_machines(single, text)]

    def to_json(self) -> dict[str, Any]:
        """Return the thresholds as JSON values."""
        value = asdict(self)
        return {name: one for name, one in value.items() if one or name not in _OPTIONAL}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Thresholds":
        """Read what :meth:`to_json` returned.

        Nothing is fitted, so that a later version makes the same decisions.

        Raises
        ------
        ModelError
            If something is missing, or a value is not of its type or not within its bounds.
        """
        check(Path("thresholds"), value, _THRESHOLDS, remedy="export the bundle again")
        return cls(
            method=value["method"],
            false_alarm_rate=float(value["false_alarm_rate"]),
            held_out={
                machine: tuple(map(float, scores)) for machine, scores in value["held_out"].items()
            },
            offsets={machine: float(offset) for machine, offset in value["offsets"].items()},
            machines={
                machine: _threshold_from_json(entry) for machine, entry in value["machines"].items()
            },
            unknown={
                machine_type: _threshold_from_json(entry)
                for machine_type, entry in value["unknown"].items()
            },
            recentred={
                machine: Recentring.from_json(entry)
                for machine, entry in value.get("recentred", {}).items()
            },
            sessions=dict(value.get("sessions", {})),
        )


def fit_thresholds(
    held_out: Mapping[str, Sequence[float]],
    offsets: Mapping[str, float],
    *,
    false_alarm_rate: float = ThresholdOptions.false_alarm_rate,
    method: ThresholdMethod = ThresholdOptions.method,
) -> Thresholds:
    """Fit a threshold per machine to the scores of normal clips that were not used for training.

    A machine with 30 such clips or more has a fit of its own. A machine with fewer shares one: from
    every held-out score of its machine type the offset of the score's machine is subtracted, and
    the threshold is the machine's own offset plus a quantile of these residuals. For an unknown
    machine, all held-out scores of its type are used as they are. If its type has none, or is
    unknown too, those of all machines are used.

    Parameters
    ----------
    held_out : mapping of str to sequence of float
        Scores by machine, ``type/id``.
    offsets : mapping of str to float
        The median score of each machine's training clips. A machine without one has the median of
        its held-out scores.
    false_alarm_rate : float
        Wanted share of normal clips above the threshold, above 0 and below 1.
    method : {"gamma", "empirical"}
        ``gamma`` takes the quantile from a fitted distribution (:meth:`Gamma.fit`). ``empirical``
        takes the ``ceil((n + 1) * (1 - rate))``-th lowest score, which keeps the rate for scores of
        any distribution (the rank of split conformal prediction). If this rank exceeds n, it takes
        the highest score, and the rate is 1 / (n + 1) rather than the wanted one.

    Raises
    ------
    ParameterError
        If the rate or the method is out of range.
    ModelError
        If there is no held-out clip at all, or a score is not finite.
    """
    ThresholdOptions(false_alarm_rate=false_alarm_rate, method=method)  # checks their ranges
    scores = {
        machine: tuple(sorted(float(score) for score in values))
        for machine, values in held_out.items()
        if len(values)
    }
    if not scores:
        raise ModelError(
            "thresholds: no normal clip was kept from training; "
            "keep some by fit_validation_split, such as 0.1"
        )
    levels = {machine: median(values) for machine, values in scores.items()}
    levels |= {machine: float(offset) for machine, offset in offsets.items()}
    _check_finite(scores, levels)

    def fit(machine: str) -> Threshold:
        reference = _reference(machine, scores, levels)
        shared = len(scores.get(machine, ())) < len(reference)
        if method == "gamma":
            gamma = Gamma.fit(reference)
            value = gamma.quantile(1 - false_alarm_rate)
            return Threshold(value, len(reference), shared, gamma)
        value = _conformal_quantile(reference, false_alarm_rate)
        return Threshold(value, len(reference), shared, None)

    machines = {machine: fit(machine) for machine in sorted(levels)}
    unknown = {
        machine_type: fit(machine_key(machine_type, "")) for machine_type in types_of(scores)
    }
    return Thresholds(method, false_alarm_rate, scores, levels, machines, unknown | {"": fit("")})


def _check_finite(scores: Mapping[str, Sequence[float]], levels: Mapping[str, float]) -> None:
    for machine in {**scores, **levels}:
        if not np.isfinite([*scores.get(machine, ()), levels[machine]]).all():
            raise ModelError(
                f"thresholds: a score of {machine} is not a finite number; train the detector again"
            )


def _reference(
    machine: str, held_out: Mapping[str, tuple[float, ...]], offsets: Mapping[str, float]
) -> list[float]:
    """Return the sorted normal scores behind a machine's threshold.

    A machine is known if it has an offset.
    """
    own = held_out.get(machine, ())
    if len(own) >= OWN_FIT:
        return list(own)
    of_type = {
        other: scores for other, scores in held_out.items() if type_of(other) == type_of(machine)
    }
    if of_type and machine in offsets:
        return sorted(
            offsets[machine] + (score - offsets[other])
            for other, scores in of_type.items()
            for score in scores
        )
    return sorted(score for scores in (of_type or held_out).values() for score in scores)


def _conformal_quantile(ordered: Sequence[float], false_alarm_rate: float) -> float:
    # The tolerance prevents a rounding error from raising the rank by one.
    rank = math.ceil((len(ordered) + 1) * (1 - false_alarm_rate) - 1e-9)
    return ordered[min(max(rank, 1), len(ordered)) - 1]


def _threshold_from_json(value: Mapping[str, Any]) -> Threshold:
    gamma = value["gamma"]
    return Threshold(
        value=float(value["value"]),
        n_clips=int(value["n_clips"]),
        pooled=bool(value["pooled"]),
        gamma=None
        if gamma is None
        else Gamma(float(gamma["shape"]), float(gamma["scale"]), float(gamma["location"])),
    )
