"""A measured figure with its 95 % interval."""

import math
from dataclasses import dataclass

_Z = 1.959963984540054  # quantile of the standard normal distribution for a 95 % interval


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure.

    Attributes
    ----------
    value : float or None
        None if it cannot be computed.
    low, high : float or None
        95 % interval; None where there is none.
    reason : str
        Why it cannot be computed; empty if it can.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"not computable: {self.reason}"
        if self.low is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def proportion(successes: int, n: int, reason: str) -> Figure:
    """Return a proportion with Wilson's interval.

    Parameters
    ----------
    successes, n : int
        `successes` of `n`.
    reason : str
        Why there is no figure where `n` is 0.
    """
    if not n:
        return Figure(None, reason=reason)
    return Figure(successes / n, *wilson_interval(successes, n))


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of the proportion of `successes` among `n`, which is above 0.

    The formula is kept here because ``scipy.stats``, which has it too, takes a second to import,
    and every evaluation and report computes proportions. The tests compare both.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22, 1927.
    """
    centre = (successes + _Z**2 / 2) / (n + _Z**2)
    half = _Z / (n + _Z**2) * math.sqrt(successes * (n - successes) / n + _Z**2 / 4)
    # At the ends the bounds are exactly 0 and 1; the formula misses them by rounding.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == n else centre + half)
