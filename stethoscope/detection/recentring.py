"""Moving a threshold to recordings of the place where a model is used. NumPy only.

Normal clips of another place can score higher than those that the thresholds were set with. A dozen
clips recorded there show by how much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from stethoscope.checks import fields, items, number, text

LEAST_CLIPS = 3
ENOUGH_CLIPS = 10
"""From this number of clips on, no warning about few clips is given."""

_QUANTILE = 0.4
_SHRINKAGE = 2
_OUTLIER = 0.99


@dataclass(frozen=True, slots=True)
class Recentring:
    """How far a threshold was moved, and why.

    Attributes
    ----------
    shift : float
        Added to the threshold; not below 0.
    typical_score : float
        Of the clips of the place: their 0.4 quantile.
    expected_score : float
        The same of the normal clips behind the threshold.
    files : tuple of str
        Names of the clips.
    date : str
        Day of the change, ``2026-03-14``.
    """

    shift: float
    typical_score: float
    expected_score: float
    files: tuple[str, ...]
    date: str

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an entry of a bundle's thresholds that passes :data:`RECENTRING`."""
        return cls(
            shift=float(value["shift"]),
            typical_score=float(value["typical_score"]),
            expected_score=float(value["expected_score"]),
            files=tuple(value["files"]),
            date=value["date"],
        )


RECENTRING = fields(
    {
        "shift": number(least=0),
        "typical_score": number(),
        "expected_score": number(),
        "files": items(text()),
        "date": text(),
    }
)
"""Check of an entry of a bundle's thresholds."""


def recentre(
    normal_scores: Sequence[float], scores: Mapping[str, float], *, date: str
) -> Recentring:
    """Compute how far a threshold has to be moved for a new place.

    The shift is the difference of the 0.4 quantiles of the scores, times n / (n + 2) for n clips,
    and not below 0. This quantile lies among the normal clips even if some of the clips are
    anomalous.

    Parameters
    ----------
    normal_scores : sequence of float
        Scores of the normal clips behind the threshold.
    scores : mapping of str to float
        Scores of the clips of the new place, by name.
    date : str
        Day of the change.
    """
    typical = float(np.quantile(list(scores.values()), _QUANTILE))
    expected = float(np.quantile(normal_scores, _QUANTILE))
    shift = max(0.0, typical - expected) * len(scores) / (len(scores) + _SHRINKAGE)
    return Recentring(shift, typical, expected, tuple(scores), date)


def outliers(normal_scores: Sequence[float], scores: Mapping[str, float]) -> list[str]:
    """Return the clips whose scores lie farther above the others than normal clips do.

    Both distances are taken from the 0.4 quantile, for the normal clips behind the threshold up to
    their 0.99 quantile.

    Parameters
    ----------
    normal_scores : sequence of float
        Scores of the normal clips behind the threshold.
    scores : mapping of str to float
        Scores of the clips of the new place, by name.
    """
    typical = np.quantile(list(scores.values()), _QUANTILE)
    farthest = np.quantile(normal_scores, _OUTLIER) - np.quantile(normal_scores, _QUANTILE)
    return [name for name, score in scores.items() if score > typical + farthest]
