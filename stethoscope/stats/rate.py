"""How often something happens, with its 95 % interval."""

from scipy.special import gammaincinv

from stethoscope.stats.figure import Figure


def rate(count: int, duration: float) -> Figure:
    """Return how often something happens per unit of time, with the exact interval.

    Parameters
    ----------
    count : int
        How often it happened.
    duration : float
        In units of time, above 0.

    References
    ----------
    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936.
    """
    low = float(gammaincinv(count, 0.025)) if count else 0.0
    return Figure(count / duration, low / duration, float(gammaincinv(count + 1, 0.975)) / duration)
