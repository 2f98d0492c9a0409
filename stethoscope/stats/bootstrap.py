"""Intervals of the area under a ROC curve, by resampling the clips."""

import math

import numpy as np

from stethoscope.stats.figure import Figure
from stethoscope.stats.roc import BoolArray, FloatArray, curve_areas, lowest_area, weighted_curves

RESAMPLES = 2000
"""Bootstrap resamples behind an interval."""

_BLOCK = 2_000_000  # resampled values held in memory at once


def bootstrap_areas(
    scores: FloatArray, anomalous: BoolArray, max_fpr: float, rng: np.random.Generator
) -> FloatArray:
    """Return AUC and pAUC as measured, and of resamples.

    Normal and anomalous clips are resampled separately, so that every resample has as many of each
    as were measured. The same `rng` state and clips give the same resamples, whatever the scores.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_clips,)]
    anomalous : np.ndarray [shape=(n_clips,)]
        Both conditions are present.
    max_fpr : float
        Largest false-positive rate of the pAUC.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray [shape=(1 + RESAMPLES, 2)]
        Row 0 holds AUC and pAUC as measured.
    """
    n = len(scores)
    rows = [_areas(scores, anomalous, np.ones((1, n)), max_fpr)]
    left = RESAMPLES
    while left:
        count = min(left, max(1, _BLOCK // n))
        weights = np.empty((count, n))
        for stratum in (np.flatnonzero(anomalous), np.flatnonzero(~anomalous)):
            m = len(stratum)
            picks = rng.integers(m, size=(count, m)) + m * np.arange(count)[:, np.newaxis]
            weights[:, stratum] = np.bincount(picks.ravel(), minlength=count * m).reshape(count, m)
        rows.append(_areas(scores, anomalous, weights, max_fpr))
        left -= count
    return np.concatenate(rows)


def area_figure(samples: FloatArray, max_fpr: float, support: float) -> Figure:
    """Return an area with its interval, from :func:`bootstrap_areas` or a mean of several of them.

    The interval is symmetric on the logit scale: the bootstrap's standard error times Student's t
    for `support` degrees of freedom less one. Of all intervals that were tried, this one contains
    the true area closest to 95 % of the time. Where every resample ranks all clips correctly, the
    bootstrap gives no error; the interval is then that of `support` successes in a row.

    Parameters
    ----------
    samples : np.ndarray [shape=(1 + n_resamples,)]
        The measured area first, then the resampled ones.
    max_fpr : float
        Largest false-positive rate of the area.
    support : float
        Number of pairs of a normal and an anomalous clip that the area is computed from.
    """
    from scipy.special import stdtrit  # here: steps that only draw curves need not load it

    value, lowest = float(samples[0]), lowest_area(max_fpr)
    unit = (value - lowest) / (1 - lowest)
    edge = 0.025 ** (1 / max(1.0, support))
    if unit > 1 - 1e-12:
        low, high = edge, 1.0
    elif unit < 1e-12:
        low, high = 0.0, 1 - edge
    else:
        error = float(samples[1:].std(ddof=1)) / (1 - lowest)
        logit = math.log(unit / (1 - unit))
        half = stdtrit(max(support - 1, 3), 0.975) * error / (unit * (1 - unit))
        low, high = (0.5 + 0.5 * math.tanh(end / 2) for end in (logit - half, logit + half))
    return Figure(value, lowest + (1 - lowest) * low, lowest + (1 - lowest) * high)


def _areas(
    scores: FloatArray, anomalous: BoolArray, weights: FloatArray, max_fpr: float
) -> FloatArray:
    """Return AUC and pAUC for each row of `weights` [shape=(n_curves, 2)]."""
    fpr, tpr, _ = weighted_curves(scores, anomalous, weights)
    return np.stack([curve_areas(fpr, tpr, 1.0), curve_areas(fpr, tpr, max_fpr)], axis=1)
