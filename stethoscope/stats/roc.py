"""ROC curves of scores, and the areas under them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MAX_CURVE_POINTS = 500


@dataclass(frozen=True, slots=True)
class Curve:
    """ROC and DET curve, from the strictest threshold to the loosest.

    Attributes
    ----------
    false_positive_rate, true_positive_rate : list of float
        From (0, 0) to (1, 1).
    thresholds : list of float
        Finite. A clip is called anomalous if its score is greater.
    n_normal, n_anomaly : int
        Clips behind the curve.
    """

    false_positive_rate: list[float]
    true_positive_rate: list[float]
    thresholds: list[float]
    n_normal: int
    n_anomaly: int

    def det(self) -> tuple[list[float], list[float]]:
        """Return false-alarm and miss rates for the axes of a DET curve.

        These axes have no place for rates of 0 and 1: such rates are moved inwards by half a clip.
        """
        false_alarms = np.clip(
            self.false_positive_rate, 0.5 / self.n_normal, 1 - 0.5 / self.n_normal
        )
        misses = 1 - np.clip(
            self.true_positive_rate, 0.5 / self.n_anomaly, 1 - 0.5 / self.n_anomaly
        )
        return list(map(float, false_alarms)), list(map(float, misses))


def missing_class(anomalous: BoolArray) -> str:
    """Return why clips cannot be ranked, or "" if both normal and anomalous ones are present."""
    if len(anomalous) == 0:
        return "no clip of known condition"
    if not anomalous.any():
        return "no anomalous clips"
    return "no normal clips" if anomalous.all() else ""


def area_under_curve(
    scores: npt.ArrayLike, anomalous: npt.ArrayLike, *, max_fpr: float = 1.0
) -> float | None:
    """Return the area under the ROC curve up to `max_fpr`, where chance is 0.5 and the best is 1.

    Parameters
    ----------
    scores : array_like [shape=(n_clips,)]
    anomalous : array_like of bool [shape=(n_clips,)]
    max_fpr : float
        1 gives the AUC, a lower one the pAUC.

    Returns
    -------
    float or None
        None without normal or without anomalous clips.

    References
    ----------
    D. K. McClish, "Analyzing a portion of the ROC curve", Medical Decision Making 9, 1989.
    """
    truth = np.asarray(anomalous, dtype=bool)
    if missing_class(truth):
        return None
    fpr, tpr, _ = weighted_curves(
        np.asarray(scores, dtype=np.float64), truth, np.ones((1, len(truth)))
    )
    return float(curve_areas(fpr, tpr, max_fpr)[0])


def roc_curve(scores: npt.ArrayLike, anomalous: npt.ArrayLike) -> Curve | None:
    """Return the ROC curve, thinned to at most 500 points.

    Only corners are kept. Of more than 500 corners, those nearest to even steps along the curve are
    kept, so that no part of the curve moves by more than 1/250.

    Parameters
    ----------
    scores : array_like [shape=(n_clips,)]
    anomalous : array_like of bool [shape=(n_clips,)]

    Returns
    -------
    Curve or None
        None without normal or without anomalous clips.
    """
    truth = np.asarray(anomalous, dtype=bool)
    if missing_class(truth):
        return None
    fpr, tpr, levels = weighted_curves(
        np.asarray(scores, dtype=np.float64), truth, np.ones((1, len(truth)))
    )
    x, y = np.append(0.0, fpr[0]), np.append(0.0, tpr[0])
    # At point i the i highest scores are called anomalous. A score must be greater than the
    # threshold, so the threshold is the next score below them.
    thresholds = np.append(levels, np.nextafter(levels[-1], -np.inf))
    kept = _corners(x, y)
    return Curve(
        false_positive_rate=x[kept].tolist(),
        true_positive_rate=y[kept].tolist(),
        thresholds=thresholds[kept].tolist(),
        n_normal=int((~truth).sum()),
        n_anomaly=int(truth.sum()),
    )


def _corners(x: FloatArray, y: FloatArray) -> npt.NDArray[np.intp]:
    """Return the indices of at most 500 corners of a curve that never turns back, ends included."""
    before, after = (np.diff(x)[:-1], np.diff(y)[:-1]), (np.diff(x)[1:], np.diff(y)[1:])
    corner = np.abs(before[0] * after[1] - before[1] * after[0]) > 1e-12
    kept = np.concatenate([[0], 1 + np.flatnonzero(corner), [len(x) - 1]])
    if len(kept) > MAX_CURVE_POINTS:
        length = x[kept] + y[kept]  # along the curve
        steps = np.linspace(0, 2, MAX_CURVE_POINTS) - 1e-12
        kept = kept[np.unique(np.searchsorted(length, steps))]
    return kept


def weighted_curves(
    scores: FloatArray, anomalous: BoolArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ROC curves of weighted clips, without the point (0, 0).

    Parameters
    ----------
    scores : np.ndarray [shape=(n_clips,)]
    anomalous : np.ndarray [shape=(n_clips,)]
        Both conditions are present.
    weights : np.ndarray [shape=(n_curves, n_clips)]
        How often each clip counts.

    Returns
    -------
    fpr, tpr : np.ndarray [shape=(n_curves, n_levels)]
        Rates of false and of true positives.
    levels : np.ndarray [shape=(n_levels,)]
        The distinct scores, highest first.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of each run of equal scores
    truth = anomalous[order]
    counts = weights[:, order]
    rates = [np.cumsum(np.where(which, counts, 0.0), axis=1)[:, last] for which in (~truth, truth)]
    fpr, tpr = (rate / rate[:, -1:] for rate in rates)
    return fpr, tpr, ranked[last]


def curve_areas(fpr: FloatArray, tpr: FloatArray, max_fpr: float) -> FloatArray:
    """Return the standardised area under each of :func:`weighted_curves` up to `max_fpr`.

    Returns
    -------
    np.ndarray [shape=(n_curves,)]
    """
    left, bottom = (np.pad(rate[:, :-1], ((0, 0), (1, 0))) for rate in (fpr, tpr))
    run = fpr - left
    width = np.clip(max_fpr - left, 0.0, run)
    share = np.divide(width, run, out=np.zeros_like(run), where=run > 0)
    area = (width * (bottom + share * (tpr - bottom) / 2)).sum(axis=1)
    chance = max_fpr**2 / 2
    standardised: FloatArray = 0.5 * (1 + (area - chance) / (max_fpr - chance))
    return standardised


def lowest_area(max_fpr: float) -> float:
    """Return the standardised area of a curve that stays at 0 up to `max_fpr`."""
    chance = max_fpr**2 / 2
    return 0.5 * (1 - chance / (max_fpr - chance))
