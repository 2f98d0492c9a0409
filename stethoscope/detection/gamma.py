"""The gamma distribution with a location, without SciPy: bundles are deployed without it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np

_SKEW_MOMENTS = (0.0326, 1 / 3)
"""Bounds of the third L-moment ratio: from nearly normal (shape 100) to exponential (shape 1)."""


@dataclass(frozen=True, slots=True)
class Gamma:
    """A gamma distribution, moved by `location`; a `scale` of 0 puts all of it at the location.

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

        L-moments are linear in the sorted scores, so a single high score has little influence.
        Scores may have any sign: if all scores are shifted or scaled, so is the fit. On
        gamma-distributed scores the quantiles are as accurate as those of maximum likelihood with
        the location fixed at 0; on scores that start elsewhere they are far more accurate.

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
        if n > 2:  # two scores have no skewness
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
        if self.scale == 0:
            return self.location
        return self.location + self.scale * gamma_quantile(probability, self.shape)


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
    return max(1 - density * _continued_fraction(x, shape), 0.0)


def _continued_fraction(x: float, shape: float) -> float:
    """Return the upper tail over the density, by Lentz's method."""
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
    return fraction


def gamma_quantile(probability: float, shape: float) -> float:
    """Return the x at which :func:`gamma_cdf` is `probability`.

    Newton's method on log x, kept inside a bracket.
    """
    # P(shape, x) never exceeds x**shape / gamma(shape + 1), which bounds log x from below. The
    # start is Wilson and Hilferty's approximation.
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
    """Return log(x**shape * exp(-x) / gamma(shape)).

    Stirling's series avoids cancellation for a large shape.
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
