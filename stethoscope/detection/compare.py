"""Two runs on the same clips: whether their figures differ by more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stethoscope.detection.metrics import NOTHING_TO_RANK
from stethoscope.detection.options import MAX_FPR
from stethoscope.detection.scores import ScoredClip
from stethoscope.errors import ParameterError
from stethoscope.stats.bootstrap import bootstrap_areas
from stethoscope.stats.figure import Figure
from stethoscope.stats.roc import FloatArray, missing_class

_Key = tuple[str, str, str, float]  # of a clip: source, machine, path, start


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of two runs on the same clips.

    Attributes
    ----------
    a, b : float or None
        The figure of either run; None if it cannot be computed.
    difference : Figure
        a - b, with its interval.
    p : float or None
        Two-sided probability of a difference at least as large if both runs were equally good.
    beyond_chance : bool
        True if `p` is below 0.05.
    """

    a: float | None
    b: float | None
    difference: Figure
    p: float | None
    beyond_chance: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs compared on the clips that both scored.

    Attributes
    ----------
    max_fpr : float
    n_clips : int
        Clips with a known condition that both runs scored.
    only_a, only_b : int
        Clips that only one run scored; they are left out.
    auc, pauc : Difference
        Of the arithmetic means over machines.
    machines : dict of str to Difference
        Of the AUC, by machine.
    """

    max_fpr: float
    n_clips: int
    only_a: int
    only_b: int
    auc: Difference
    pauc: Difference
    machines: dict[str, Difference]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return asdict(self)


def compare(
    a: Sequence[ScoredClip],
    b: Sequence[ScoredClip],
    *,
    max_fpr: float = MAX_FPR.default,
    seed: int = 0,
) -> Comparison:
    """Compare two runs by a paired stratified bootstrap on the clips that both scored.

    Both runs are measured on the same resamples: clips that are difficult for both do not widen the
    interval of the difference.

    Parameters
    ----------
    a, b : sequence of ScoredClip
    max_fpr : float
        Largest false-positive rate of the pAUC, above 0 and at most 1.
    seed : int
        Of the bootstrap.

    Raises
    ------
    ParameterError
        If `max_fpr` is out of range, or the runs share no clip of known condition.
    """
    MAX_FPR.check(max_fpr)
    first, second = _by_clip(a), _by_clip(b)
    pairs = _known_pairs(first, second)
    machines: dict[str, Difference] = {}
    measured: list[FloatArray] = []  # by machine [shape=(2 runs, 1 + RESAMPLES, 2)]
    for index, machine in enumerate(sorted({clip.machine for clip, _ in pairs})):
        own = [pair for pair in pairs if pair[0].machine == machine]
        anomalous = np.array([clip.condition == "anomaly" for clip, _ in own])
        if reason := missing_class(anomalous):
            machines[machine] = _no_difference(reason)
            continue
        runs = [np.array([clip.score for clip in run]) for run in zip(*own, strict=True)]
        # The same seed for both runs draws the same resamples: they are paired.
        areas = [
            bootstrap_areas(scores, anomalous, max_fpr, np.random.default_rng([seed, index]))
            for scores in runs
        ]
        measured.append(np.stack(areas))
        machines[machine] = _difference(*measured[-1][:, :, 0])
    auc = pauc = _no_difference(NOTHING_TO_RANK)
    if measured:
        mean = np.mean(measured, axis=0)
        auc, pauc = _difference(*mean[:, :, 0]), _difference(*mean[:, :, 1])
    return Comparison(
        max_fpr=max_fpr,
        n_clips=len(pairs),
        only_a=len(first.keys() - second.keys()),
        only_b=len(second.keys() - first.keys()),
        auc=auc,
        pauc=pauc,
        machines=machines,
    )


def _by_clip(scored: Sequence[ScoredClip]) -> dict[_Key, ScoredClip]:
    return {(clip.source, clip.machine, clip.path, clip.start): clip for clip in scored}


def _known_pairs(
    first: Mapping[_Key, ScoredClip], second: Mapping[_Key, ScoredClip]
) -> list[tuple[ScoredClip, ScoredClip]]:
    """Return the clips of known condition that both runs scored, from either run."""
    pairs = [
        (clip, second[key])
        for key, clip in first.items()
        if key in second and clip.condition == second[key].condition != "unknown"
    ]
    if not pairs:
        raise ParameterError(
            "comparison: the runs share no clip of known condition; "
            "compare runs on the same data set"
        )
    return pairs


def _no_difference(reason: str) -> Difference:
    return Difference(None, None, Figure(None, reason=reason), None, False)


def _difference(a: FloatArray, b: FloatArray) -> Difference:
    """Return the difference of two figures.

    Parameters
    ----------
    a, b : np.ndarray [shape=(1 + n_resamples,)]
        The figures as measured, then those of joint resamples.
    """
    samples = a[1:] - b[1:]
    low, high = np.quantile(samples, [0.025, 0.975])
    tail = 1 + min(int((samples <= 0).sum()), int((samples >= 0).sum()))
    p = min(1.0, 2 * tail / (1 + len(samples)))
    difference = Figure(float(a[0] - b[0]), float(low), float(high))
    return Difference(float(a[0]), float(b[0]), difference, p, p < 0.05)
