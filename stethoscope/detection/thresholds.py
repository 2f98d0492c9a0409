"""From the scores of normal clips to thresholds, decisions and probabilities. NumPy only.

A threshold answers one question: above which score do only so many of the normal clips lie (the
false-alarm rate)? It is drawn from clips that the detector was not trained on, for training clips
score lower than any clip will again.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist, median
from typing import Any, Literal, Self, get_args

import numpy as np

from stethoscope.errors import ModelError, ParameterError
from stethoscope.machines import format_machines, type_of, types_of
from stethoscope.progress import format_range

Method = Literal["gamma", "empirical"]

OWN_FIT = 30
"""Held-out normal clips from which a machine has a fit of its own; with fewer, it shares its
type's.
"""

_BACKING = 3.0
"""A rate is backed when at least this many held-out clips are expected beyond the threshold."""

_SKEW_MOMENTS = (0.0326, 1 / 3)
"""Bounds of the third L-moment ratio: from nearly normal (shape 100) to exponential (shape 1)."""

_LEAST_PROBABILITY = 1e-12


@dataclass(frozen=True, slots=True)
class Gamma:
    """A gamma distribution, moved by `location`. A `scale` of 0 puts all of it at the location.

    Attributes
    ----------
    shape : float
    scale, location : float
        In units of the score.
    """

    shape: float
    scale: float
    location: float

    @classmethod
    def fit(cls, scores: Sequence[float]) -> Self:
        """Fit shape, scale and location by L-moments.

        L-moments are linear in the sorted scores, so one loud clip does not carry the fit off, and
        scores may have any sign: moving or stretching all scores moves or stretches the fit. On
        gamma-distributed scores the quantiles are as good as those of maximum likelihood with the
        location fixed at 0; on scores that start elsewhere they are far better.

        Parameters
        ----------
        scores : sequence of float
            At least one. A single score, or equal ones, give a `scale` of 0.

        References
        ----------
        J. R. M. Hosking and J. R. Wallis, "Regional Frequency Analysis", Cambridge, 1997, appendix
        A.9 (Pearson type III).
        """
        ordered = np.sort(np.asarray(scores, dtype=np.float64))
        n = len(ordered)
        mean = float(ordered.mean())
        rank = np.arange(n)
        centred = ordered - mean
        spread = float((centred * (2 * rank - n + 1)).mean()) / (n - 1) if n > 1 else 0.0
        if spread <= 0:
            return cls(shape=1.0, scale=0.0, location=mean)
        low, high = _SKEW_MOMENTS
        skewness = low
        if n > 2:  # two scores say nothing of it
            weights = 6 * rank * (rank - 1) / ((n - 1) * (n - 2)) - 6 * rank / (n - 1) + 1
            skewness = min(max(float((centred * weights).mean()) / spread, low), high)
        z = 3 * math.pi * skewness**2
        shape = (1 + 0.2906 * z) / (z + 0.1882 * z**2 + 0.0442 * z**3)
        scale = (
            spread * math.sqrt(math.pi) * math.exp(math.lgamma(shape) - math.lgamma(shape + 0.5))
        )
        return cls(shape=shape, scale=scale, location=mean - shape * scale)

    def cdf(self, score: float) -> float:
        """Return the probability of a lower score, 0 to 1."""
        if self.scale == 0:
            return 0.5 if score == self.location else float(score > self.location)
        return gamma_cdf((score - self.location) / self.scale, self.shape)

    def quantile(self, probability: float) -> float:
        """Return the score below which this share of the distribution lies."""
        return self.location + (
            self.scale * gamma_quantile(probability, self.shape) if self.scale else 0.0
        )


@dataclass(frozen=True, slots=True)
class Threshold:
    """The threshold of one machine and what it rests on.

    Attributes
    ----------
    value : float
        A clip with a higher score is anomalous.
    n_clips : int
        Held-out normal clips behind it.
    pooled : bool
        True if they are the clips of several machines, because this one has too few.
    gamma : Gamma or None
        The distribution of normal scores; None where the scores themselves are taken as they are.
    """

    value: float
    n_clips: int
    pooled: bool
    gamma: Gamma | None


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of all machines of a detector, with the held-out scores they come from.

    Attributes
    ----------
    method : {"gamma", "empirical"}
    false_alarm_rate : float
        Wanted share of normal clips above the threshold.
    held_out : dict of str to tuple of float
        Sorted scores of normal clips not used for training, by machine (``fan/00``).
    offsets : dict of str to float
        Where each machine's scores lie; what is subtracted before machines are pooled.
    machines : dict of str to Threshold
    unknown : dict of str to Threshold
        For a machine that is unknown or not named, by machine type: from the held-out scores of all
        its machines together; ``""`` is for a type that is unknown too, from all scores there are.
    """

    method: Method
    false_alarm_rate: float
    held_out: Mapping[str, tuple[float, ...]]
    offsets: Mapping[str, float]
    machines: Mapping[str, Threshold]
    unknown: Mapping[str, Threshold]

    def threshold(self, machine: str | None) -> float:
        """Return the score above which a clip of this machine is anomalous."""
        return self.of(machine).value

    def decide(self, score: float, machine: str | None) -> bool:
        """Return whether the clip is anomalous."""
        return bool(score > self.threshold(machine))

    def probability(self, score: float, machine: str | None) -> float:
        """Return the probability that a normal clip of this machine scores lower, above 0 and below
        1.
        """
        gamma = self.of(machine).gamma
        if gamma is None:
            reference = _reference(machine or "", self.held_out, self.offsets)
            return (bisect_left(reference, score) + 0.5) / (len(reference) + 1)
        return min(max(gamma.cdf(score), _LEAST_PROBABILITY), 1 - _LEAST_PROBABILITY)

    def of(self, machine: str | None) -> Threshold:
        """Return the machine's threshold and what it rests on; one of :attr:`unknown` if the
        machine has none.
        """
        machine = machine or ""
        return self.machines.get(machine) or self.unknown.get(type_of(machine)) or self.unknown[""]

    def with_false_alarm_rate(
        self, false_alarm_rate: float, method: Method | None = None
    ) -> "Thresholds":
        """Return thresholds for another rate, and another method if given, from the same held-out
        scores: nothing is trained anew.
        """
        return fit_thresholds(
            self.held_out,
            self.offsets,
            false_alarm_rate=false_alarm_rate,
            method=method or self.method,
        )

    def backed(self, machine: str | None) -> bool:
        """Return whether the clips behind a machine's threshold are enough for the wanted rate."""
        return self.of(machine).n_clips * self.false_alarm_rate >= _BACKING * (1 - 1e-9)

    def warnings(self) -> list[str]:
        """Return a sentence about the machines whose held-out clips are too few to back the wanted
        rate, if there are any.
        """
        rate = self.false_alarm_rate
        weak = {name: one for name, one in self.machines.items() if not self.backed(name)}
        if not weak:
            return []
        pooled = ", pooled over machines" if any(one.pooled for one in weak.values()) else ""
        text = (
            f"a false-alarm rate of {rate:g} rests on {format_range(one.n_clips for one in weak.values())} normal clip(s) not trained on{pooled}; "
            f"{math.ceil(_BACKING / rate)} or more would back it"
        )
        return [format_machines(list(weak), text)]

    def to_json(self) -> dict[str, Any]:
        """Return the thresholds as what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Thresholds":
        """Read what :meth:`to_json` returned. Nothing is fitted: a later version decides as this
        one did.

        Raises
        ------
        ModelError
            If something is missing or not of its kind.
        """
        try:
            thresholds = cls(
                method=value["method"],
                false_alarm_rate=float(value["false_alarm_rate"]),
                held_out={
                    machine: tuple(map(float, scores))
                    for machine, scores in value["held_out"].items()
                },
                offsets={machine: float(offset) for machine, offset in value["offsets"].items()},
                machines={
                    machine: _threshold_from_json(entry)
                    for machine, entry in value["machines"].items()
                },
                unknown={
                    machine_type: _threshold_from_json(entry)
                    for machine_type, entry in value["unknown"].items()
                },
            )
            thresholds.threshold(None)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(
                f"thresholds: {type(error).__name__} {error}; export the bundle again"
            ) from error
        if thresholds.method not in get_args(Method):
            raise ModelError(
                f"thresholds: method is {thresholds.method!r}, not gamma or empirical; export the bundle again"
            )
        return thresholds


def fit_thresholds(
    held_out: Mapping[str, Sequence[float]],
    offsets: Mapping[str, float],
    *,
    false_alarm_rate: float = 0.1,
    method: Method = "gamma",
) -> Thresholds:
    """Fit a threshold per machine to the scores of normal clips that were not used for training.

    A machine with 30 such clips or more has its own fit. One with fewer shares: from every held-out
    score of its machine type the offset of the score's machine is taken away, and the threshold is
    the machine's offset plus a quantile of these residuals. For a machine that is not known, the
    held-out scores of its type are taken together as they are; where its type has none, or is not
    known either, those of all machines.

    Parameters
    ----------
    held_out : mapping of str to sequence of float
        Scores by machine, ``type/id``.
    offsets : mapping of str to float
        The median score of each machine's training clips. A machine that lacks one has the median
        of its held-out scores.
    false_alarm_rate : float
        Wanted share of normal clips above the threshold, above 0 and below 1.
    method : {"gamma", "empirical"}
        ``gamma`` takes the quantile from a fitted distribution (:meth:`Gamma.fit`). ``empirical``
        takes the ``ceil((n + 1) * (1 - rate))``-th lowest score, which keeps the rate for scores of
        any distribution (the rank of split conformal prediction); with so few clips that this rank
        exceeds n it takes the highest, and the rate is then 1 / (n + 1) rather than the wanted one.

    Raises
    ------
    ParameterError
        If the rate or the method cannot work.
    ModelError
        If there is no held-out clip at all, or a score is not finite.
    """
    if not 0 < false_alarm_rate < 1:
        raise ParameterError(
            f"false_alarm_rate is {false_alarm_rate}; choose a share above 0 and below 1, such as 0.1"
        )
    if method not in get_args(Method):
        raise ParameterError(f"threshold method is {method!r}; choose gamma or empirical")
    scores = {
        machine: tuple(sorted(float(score) for score in values))
        for machine, values in held_out.items()
        if len(values)
    }
    if not scores:
        raise ModelError(
            "thresholds: no normal clip was kept from training; keep some by fit_validation_split, such as 0.1"
        )
    levels = {machine: median(values) for machine, values in scores.items()} | {
        m: float(offset) for m, offset in offsets.items()
    }
    for machine, values in [
        *scores.items(),
        *((machine, (level,)) for machine, level in levels.items()),
    ]:
        if not np.isfinite(values).all():
            raise ModelError(
                f"thresholds: a score of {machine} is not a finite number; train the detector again"
            )

    def fit(machine: str) -> Threshold:
        reference = _reference(machine, scores, levels)
        gamma = Gamma.fit(reference) if method == "gamma" else None
        return Threshold(
            value=gamma.quantile(1 - false_alarm_rate)
            if gamma
            else _conformal_quantile(reference, false_alarm_rate),
            n_clips=len(reference),
            pooled=len(scores.get(machine, ())) < len(reference),
            gamma=gamma,
        )

    machines = {machine: fit(machine) for machine in sorted(levels)}
    unknown = {machine_type: fit(f"{machine_type}/") for machine_type in types_of(scores)}
    return Thresholds(method, false_alarm_rate, scores, levels, machines, unknown | {"": fit("")})


def _reference(
    machine: str, held_out: Mapping[str, tuple[float, ...]], offsets: Mapping[str, float]
) -> list[float]:
    """Return the sorted normal scores that a machine is judged by. It is known if it has an offset."""
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
    # The tolerance keeps (n + 1) * (1 - rate) from being rounded up to the next rank by its last
    # bit.
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


def gamma_cdf(x: float, shape: float) -> float:
    """Return the regularised lower incomplete gamma function P(shape, x).

    References
    ----------
    W. H. Press et al., "Numerical Recipes", 3rd ed., section 6.2: the series below ``shape + 1``,
    Lentz's continued fraction above.
    """
    if x <= 0:
        return 0.0
    if math.isinf(x):
        return 1.0
    density = math.exp(_log_density(x, shape))
    if x < shape + 1:
        term = total = 1.0
        divisor = shape
        while term > total * 1e-17:
            divisor += 1
            term *= x / divisor
            total += term
        return min(density * total / shape, 1.0)
    b = x + 1 - shape
    c, d = 1e300, 1 / b
    fraction = d
    step = 0.0
    i = 0
    while abs(step - 1) > 1e-16 and i < 100_000:
        i += 1
        a = i * (shape - i)
        b += 2
        d = 1 / (a * d + b)
        c = b + a / c
        step = c * d
        fraction *= step
    return max(1 - density * fraction, 0.0)


def gamma_quantile(probability: float, shape: float) -> float:
    """Return the x at which :func:`gamma_cdf` is `probability`, by Newton's method on log x, kept
    inside a bracket.
    """
    # P(shape, x) never exceeds x**shape / gamma(shape + 1), which bounds log x from below; Wilson
    # and Hilferty's cube starts it.
    low = (math.log(probability) + math.lgamma(shape + 1)) / shape
    if low < -700:
        return 0.0
    cube = 1 - 1 / (9 * shape) + NormalDist().inv_cdf(probability) / (3 * math.sqrt(shape))
    guess = max(low, math.log(shape * cube**3)) if cube > 0 else low
    high = max(guess, 0.0) + 1
    while gamma_cdf(math.exp(high), shape) < probability:
        high += 1
    for _ in range(200):
        x = math.exp(guess)
        excess = gamma_cdf(x, shape) - probability
        low, high = (low, guess) if excess > 0 else (guess, high)
        slope = math.exp(_log_density(x, shape))
        following = guess - excess / slope if slope > 0 else math.inf
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - guess) < 1e-15 * max(1.0, abs(guess)):
            break
        guess = following
    return math.exp(guess)


def _log_density(x: float, shape: float) -> float:
    """Return log(x**shape * exp(-x) / gamma(shape)), for a large shape without cancellation
    (Stirling's series).
    """
    if shape < 20:
        return shape * math.log(x) - x - math.lgamma(shape)
    relative = (x - shape) / shape
    remainder = (
        1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * shape**2)) / shape**2) / shape**2
    ) / shape
    return (
        shape * (math.log1p(relative) - relative)
        + 0.5 * math.log(shape / (2 * math.pi))
        - remainder
    )
