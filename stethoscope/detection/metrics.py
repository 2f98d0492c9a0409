"""How good a detector is, with what certainty: figures per machine, their means, curves, and the
comparison of two runs.

Everything is a :class:`Figure`: a value with its 95 % interval, or no value and the reason in
words.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from stethoscope.detection.scores import ScoredClip
from stethoscope.errors import ParameterError
from stethoscope.machines import format_machines
from stethoscope.progress import format_range

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

RESAMPLES = 2000
"""Bootstrap resamples behind an interval."""

FEW_CLIPS = 30
"""With fewer normal or anomalous clips than this, figures come with a warning: docs/decisions.md
says what to trust.
"""

MAX_CURVE_POINTS = 500

_NOTHING_TO_RANK = "no machine has both normal and anomalous clips"
_Z = 1.959963984540054  # of a 95 % interval
_BLOCK = 2_000_000  # resampled values held in memory at once


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
        return (
            f"{self.value:.3f}"
            if self.low is None
            else f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"
        )


@dataclass(frozen=True, slots=True)
class MachineFigures:
    """What was measured on the test clips of one machine.

    `auc`, `pauc` have bootstrap intervals; `accuracy`, `precision`, `recall` and `false_alarm_rate`
    those of Wilson. As for the DCASE evaluators, precision is 0 where nothing was called anomalous.
    """

    machine: str
    n_normal: int
    n_anomaly: int
    n_unknown: int
    auc: Figure
    pauc: Figure
    accuracy: Figure
    precision: Figure
    recall: Figure
    f1: Figure
    false_alarm_rate: Figure


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of several machines and over them.

    Means are taken over the machines whose figure can be computed. Scores of different machines are
    never pooled for an AUC.

    Attributes
    ----------
    machines : tuple of MachineFigures
    auc, pauc : Figure
        Arithmetic means; the intervals come from resampling the clips within every machine.
    harmonic_auc, harmonic_pauc : Figure
        Harmonic means.
    worst_machine : str
        The machine of lowest AUC; empty if there is none.
    false_alarm_rate : Figure
        Over the normal clips of all machines.
    """

    machines: tuple[MachineFigures, ...]
    auc: Figure
    pauc: Figure
    harmonic_auc: Figure
    harmonic_pauc: Figure
    worst_machine: str
    false_alarm_rate: Figure


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The whole of an evaluation.

    Attributes
    ----------
    max_fpr : float
        Upper end of the false-positive rates that the pAUC covers.
    overall : Summary
    breakdowns : dict of str to dict of str to Summary
        The same by ``machine_type``, ``snr_db`` and ``domain``, each where the clips have more than
        one.
    warnings : tuple of str
        What a reader must know before trusting the figures.
    """

    max_fpr: float
    overall: Summary
    breakdowns: dict[str, dict[str, Summary]]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as what JSON can hold; nothing in it is NaN."""
        return asdict(self)


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
        Two-sided probability of so large a difference if the runs were equally good.
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
        """Return the comparison as what JSON can hold."""
        return asdict(self)


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
    """

    false_positive_rate: list[float]
    true_positive_rate: list[float]
    thresholds: list[float]
    n_normal: int
    n_anomaly: int

    def det(self) -> tuple[list[float], list[float]]:
        """Return false-alarm and miss rates for normal-deviate axes, where 0 and 1 have no place:
        they are drawn at half a clip.
        """

        false_alarms = np.clip(
            self.false_positive_rate, 0.5 / self.n_normal, 1 - 0.5 / self.n_normal
        )
        misses = 1 - np.clip(
            self.true_positive_rate, 0.5 / self.n_anomaly, 1 - 0.5 / self.n_anomaly
        )
        return list(map(float, false_alarms)), list(map(float, misses))


def evaluate(scored: Sequence[ScoredClip], *, max_fpr: float = 0.1, seed: int = 0) -> Evaluation:
    """Measure a detector on scored test clips.

    Parameters
    ----------
    scored : sequence of ScoredClip
    max_fpr : float
        Upper end of the false-positive rates that the pAUC covers, above 0, at most 1.
    seed : int
        Of the bootstrap.

    Raises
    ------
    ParameterError
        If `max_fpr` cannot work, or there are no clips.
    """
    check_max_fpr(max_fpr)
    if not scored:
        raise ParameterError("evaluation: there is no scored clip; give test clips")
    overall = _summarise(scored, max_fpr, seed)
    breakdowns = {}
    for name, key in _BREAKDOWNS.items():
        values = sorted({key(clip) for clip in scored} - {None, ""})
        if len(values) > 1:
            breakdowns[name] = {
                value if isinstance(value, str) else f"{value:g}": _summarise(
                    [c for c in scored if key(c) == value], max_fpr, seed
                )
                for value in values
            }
    return Evaluation(max_fpr, overall, breakdowns, tuple(_warnings(overall)))


def compare(
    a: Sequence[ScoredClip], b: Sequence[ScoredClip], *, max_fpr: float = 0.1, seed: int = 0
) -> Comparison:
    """Say whether two runs differ beyond chance, by a paired stratified bootstrap on the clips that
    both scored.

    Both runs are judged on the same resamples, so what makes a clip hard for both cancels out.

    Raises
    ------
    ParameterError
        If `max_fpr` cannot work, or the runs share no clip of known condition.
    """
    check_max_fpr(max_fpr)
    first, second = (
        {(clip.source, clip.machine, clip.path): clip for clip in scored} for scored in (a, b)
    )
    shared = [
        key
        for key in first
        if key in second and first[key].condition == second[key].condition != "unknown"
    ]
    if not shared:
        raise ParameterError(
            "comparison: the runs share no clip of known condition; compare runs on the same data set"
        )
    ones, others = [first[key] for key in shared], [second[key] for key in shared]
    drawn: list[FloatArray] = []  # per machine [shape=(2 runs, 1 + RESAMPLES, 2)]
    machines: dict[str, Difference] = {}
    for index, machine in enumerate(sorted({clip.machine for clip in ones})):
        mine = [i for i, clip in enumerate(ones) if clip.machine == machine]
        anomalous = np.array([ones[i].condition == "anomaly" for i in mine])
        reason = _missing_class(anomalous)
        if reason:
            machines[machine] = Difference(None, None, Figure(None, reason=reason), None, False)
            continue
        scores = [np.array([run[i].score for i in mine]) for run in (ones, others)]
        # The same seed for either run draws the same resamples: they are paired.
        drawn.append(
            np.stack(
                [
                    _bootstrap(s, anomalous, max_fpr, np.random.default_rng([seed, index]))
                    for s in scores
                ]
            )
        )
        machines[machine] = _difference(*drawn[-1][:, :, 0])
    auc = pauc = Difference(None, None, Figure(None, reason=_NOTHING_TO_RANK), None, False)
    if drawn:
        mean = np.mean(drawn, axis=0)
        auc, pauc = _difference(*mean[:, :, 0]), _difference(*mean[:, :, 1])
    return Comparison(
        max_fpr=max_fpr,
        n_clips=len(shared),
        only_a=len(first.keys() - second.keys()),
        only_b=len(second.keys() - first.keys()),
        auc=auc,
        pauc=pauc,
        machines=machines,
    )


def area_under_curve(
    scores: npt.ArrayLike, anomalous: npt.ArrayLike, *, max_fpr: float = 1.0
) -> float | None:
    """Return the area under the ROC curve up to `max_fpr`, standardised so that chance is 0.5 and
    the best is 1.

    Parameters
    ----------
    scores : array_like [shape=(n_clips,)]
    anomalous : array_like of bool [shape=(n_clips,)]
    max_fpr : float
        1 gives the AUC, less the pAUC.

    Returns
    -------
    float or None
        None without normal or without anomalous clips.

    References
    ----------
    D. K. McClish, "Analyzing a portion of the ROC curve", Medical Decision Making 9, 1989.
    """
    truth = np.asarray(anomalous, dtype=bool)
    if _missing_class(truth):
        return None
    return float(
        _area(
            *_roc(np.asarray(scores, dtype=np.float64), truth, np.ones((1, len(truth))))[:2],
            max_fpr,
        )[0]
    )


def roc_curve(scores: npt.ArrayLike, anomalous: npt.ArrayLike) -> Curve | None:
    """Return the ROC curve, thinned to at most 500 points that leave no visible trace.

    Corners only are kept; of more than 500 corners those that are nearest to even steps along the
    curve, so no part of the curve moves by more than 1/250.

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
    if _missing_class(truth):
        return None
    fpr, tpr, levels = _roc(np.asarray(scores, dtype=np.float64), truth, np.ones((1, len(truth))))
    x, y = np.append(0.0, fpr[0]), np.append(0.0, tpr[0])
    # Point i calls the i highest scores anomalous: the threshold is the next one below, for a score
    # must be greater.
    thresholds = np.append(levels, np.nextafter(levels[-1], -np.inf))
    before, after = (np.diff(x)[:-1], np.diff(y)[:-1]), (np.diff(x)[1:], np.diff(y)[1:])
    corner = np.abs(before[0] * after[1] - before[1] * after[0]) > 1e-12
    kept = np.concatenate([[0], 1 + np.flatnonzero(corner), [len(x) - 1]])
    if len(kept) > MAX_CURVE_POINTS:
        length = x[kept] + y[kept]  # along the curve, which never turns back
        kept = kept[np.unique(np.searchsorted(length, np.linspace(0, 2, MAX_CURVE_POINTS) - 1e-12))]
    return Curve(
        false_positive_rate=x[kept].tolist(),
        true_positive_rate=y[kept].tolist(),
        thresholds=thresholds[kept].tolist(),
        n_normal=int((~truth).sum()),
        n_anomaly=int(truth.sum()),
    )


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (E. B. Wilson, JASA 22, 1927)."""
    centre = (successes + _Z**2 / 2) / (n + _Z**2)
    half = _Z / (n + _Z**2) * math.sqrt(successes * (n - successes) / n + _Z**2 / 4)
    # At the ends the formula is exact, but for its last bit.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == n else centre + half)


_BREAKDOWNS: dict[str, Callable[[ScoredClip], Any]] = {
    "machine_type": lambda clip: clip.machine_type,
    "snr_db": lambda clip: clip.snr_db,
    "domain": lambda clip: clip.domain,
}


def _summarise(scored: Sequence[ScoredClip], max_fpr: float, seed: int) -> Summary:
    machines: list[MachineFigures] = []
    drawn: list[FloatArray] = []
    supports: list[list[float]] = []  # of AUC and pAUC
    for index, machine in enumerate(sorted({clip.machine for clip in scored})):
        clips = [clip for clip in scored if clip.machine == machine]
        known = [clip for clip in clips if clip.condition != "unknown"]
        anomalous = np.array([clip.condition == "anomaly" for clip in known], dtype=bool)
        reason = _missing_class(anomalous)
        auc = pauc = Figure(None, reason=reason)
        if not reason:
            samples = _bootstrap(
                np.array([clip.score for clip in known]),
                anomalous,
                max_fpr,
                np.random.default_rng([seed, index]),
            )
            drawn.append(samples)
            # Only the normal clips within max_fpr, the loudest few, decide a pAUC.
            supports.append(
                [min(anomalous.sum(), share * (~anomalous).sum()) for share in (1.0, max_fpr)]
            )
            auc, pauc = (
                _area_figure(samples[:, 0], 1.0, supports[-1][0]),
                _area_figure(samples[:, 1], max_fpr, supports[-1][1]),
            )
        machines.append(_machine_figures(machine, clips, anomalous, auc, pauc))
    normal = [clip.decision for clip in scored if clip.condition == "normal"]
    auc = pauc = harmonic_auc = harmonic_pauc = Figure(None, reason=_NOTHING_TO_RANK)
    if drawn:
        stack = np.stack(drawn)
        arithmetic = stack.mean(axis=0)
        harmonic = 1 / (1 / np.maximum(stack, np.finfo(float).eps)).mean(axis=0)
        support = np.sum(supports, axis=0)
        auc, harmonic_auc = (
            _area_figure(mean[:, 0], 1.0, support[0]) for mean in (arithmetic, harmonic)
        )
        pauc, harmonic_pauc = (
            _area_figure(mean[:, 1], max_fpr, support[1]) for mean in (arithmetic, harmonic)
        )
    measured = [figures for figures in machines if figures.auc.value is not None]
    return Summary(
        machines=tuple(machines),
        auc=auc,
        pauc=pauc,
        harmonic_auc=harmonic_auc,
        harmonic_pauc=harmonic_pauc,
        worst_machine=min(measured, key=lambda figures: figures.auc.value or 0.0).machine
        if measured
        else "",
        false_alarm_rate=_proportion(sum(normal), len(normal), "no normal clips"),
    )


def _machine_figures(
    machine: str, clips: Sequence[ScoredClip], anomalous: BoolArray, auc: Figure, pauc: Figure
) -> MachineFigures:
    decided = np.array([clip.decision for clip in clips if clip.condition != "unknown"], dtype=bool)
    hits, misses = int((decided & anomalous).sum()), int((~decided & anomalous).sum())
    alarms, passes = int((decided & ~anomalous).sum()), int((~decided & ~anomalous).sum())
    reason = _missing_class(anomalous)
    undefined = Figure(None, reason=reason)
    precision = _proportion(hits, hits + alarms, "") if hits + alarms else Figure(0.0)
    return MachineFigures(
        machine=machine,
        n_normal=alarms + passes,
        n_anomaly=hits + misses,
        n_unknown=len(clips) - len(decided),
        auc=auc,
        pauc=pauc,
        accuracy=undefined if reason else _proportion(hits + passes, len(decided), ""),
        precision=undefined if reason else precision,
        recall=_proportion(hits, hits + misses, "no anomalous clips"),
        f1=undefined if reason else Figure(2 * hits / (2 * hits + alarms + misses)),
        false_alarm_rate=_proportion(alarms, alarms + passes, "no normal clips"),
    )


def _missing_class(anomalous: BoolArray) -> str:
    if len(anomalous) == 0:
        return "no clip of known condition"
    return (
        "no anomalous clips"
        if not anomalous.any()
        else "no normal clips"
        if anomalous.all()
        else ""
    )


def _proportion(successes: int, n: int, reason: str) -> Figure:
    return (
        Figure(successes / n, *wilson_interval(successes, n)) if n else Figure(None, reason=reason)
    )


def _bootstrap(
    scores: FloatArray, anomalous: BoolArray, max_fpr: float, rng: np.random.Generator
) -> FloatArray:
    """Return AUC and pAUC as measured (row 0) and of stratified resamples [shape=(1 + RESAMPLES,
    2)].
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


def _areas(
    scores: FloatArray, anomalous: BoolArray, weights: FloatArray, max_fpr: float
) -> FloatArray:
    fpr, tpr, _ = _roc(scores, anomalous, weights)
    return np.stack([_area(fpr, tpr, 1.0), _area(fpr, tpr, max_fpr)], axis=1)


def _roc(
    scores: FloatArray, anomalous: BoolArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ROC curves of weighted clips, without the point (0, 0).

    Parameters
    ----------
    scores : np.ndarray [shape=(n_clips,)]
    anomalous : np.ndarray [shape=(n_clips,)]
    weights : np.ndarray [shape=(n_curves, n_clips)]
        How often each clip counts.

    Returns
    -------
    fpr, tpr : np.ndarray [shape=(n_curves, n_levels)]
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


def _area(fpr: FloatArray, tpr: FloatArray, max_fpr: float) -> FloatArray:
    """Return the standardised area under each curve up to `max_fpr` [shape=(n_curves,)]."""
    left, bottom = (np.pad(rate[:, :-1], ((0, 0), (1, 0))) for rate in (fpr, tpr))
    run = fpr - left
    width = np.clip(max_fpr - left, 0.0, run)
    share = np.divide(width, run, out=np.zeros_like(run), where=run > 0)
    area = (width * (bottom + share * (tpr - bottom) / 2)).sum(axis=1)
    return _standardise(area, max_fpr)


def _standardise(area: FloatArray, max_fpr: float) -> FloatArray:
    chance = max_fpr**2 / 2
    return 0.5 * (1 + (area - chance) / (max_fpr - chance))


def _area_figure(samples: FloatArray, max_fpr: float, support: float) -> Figure:
    """Return the measured area (first sample) with an interval from the resampled ones (the
    others).

    The interval is symmetric on the logit scale, with the bootstrap's standard error and Student's
    t for `support`, the number of pairs of a normal and an anomalous clip that the area rests on:
    of all that was tried it kept its 95 % best. Where every resample ranks all clips rightly the
    bootstrap has nothing to say, and the interval is that of `support` successes in a row.
    """
    value = float(samples[0])
    lowest = float(_standardise(np.zeros(1), max_fpr)[0])
    unit = (value - lowest) / (1 - lowest)
    edge = 0.025 ** (1 / max(1.0, support))
    if unit > 1 - 1e-12:
        low, high = edge, 1.0
    elif unit < 1e-12:
        low, high = 0.0, 1 - edge
    else:
        error = float(samples[1:].std(ddof=1)) / (1 - lowest)
        logit, half = (
            math.log(unit / (1 - unit)),
            stdtrit(max(support - 1, 3), 0.975) * error / (unit * (1 - unit)),
        )
        low, high = (0.5 + 0.5 * math.tanh(end / 2) for end in (logit - half, logit + half))
    return Figure(value, lowest + (1 - lowest) * low, lowest + (1 - lowest) * high)


def _difference(a: FloatArray, b: FloatArray) -> Difference:
    """Return the difference of two figures from their measured (first) and jointly resampled
    values.
    """
    samples = a[1:] - b[1:]
    low, high = np.quantile(samples, [0.025, 0.975])
    tail = 1 + min(int((samples <= 0).sum()), int((samples >= 0).sum()))
    p = min(1.0, 2 * tail / (1 + len(samples)))
    return Difference(
        float(a[0]), float(b[0]), Figure(float(a[0] - b[0]), float(low), float(high)), p, p < 0.05
    )


def _warnings(summary: Summary) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    few: list[MachineFigures] = []
    for figures in summary.machines:
        if figures.auc.value is None:
            reasons.setdefault(
                f"AUC not computable, {figures.auc.reason}; left out of the means", []
            ).append(figures.machine)
        elif min(figures.n_normal, figures.n_anomaly) < FEW_CLIPS:
            few.append(figures)
        if figures.n_unknown:
            reasons.setdefault("clips of unknown condition; scored, but in no figure", []).append(
                figures.machine
            )
    if few:
        normal, anomalous = (
            format_range(one.n_normal for one in few),
            format_range(one.n_anomaly for one in few),
        )
        text = (
            f"{normal} normal and {anomalous} anomalous clips; "
            f"with fewer than {FEW_CLIPS} of either, a single clip moves the AUC by several points and the pAUC says little"
        )
        yield format_machines([one.machine for one in few], text)
    for reason, machines in reasons.items():
        yield format_machines(machines, reason)


def check_max_fpr(max_fpr: float) -> None:
    """Refuse a largest false-positive rate that is no rate.

    Raises
    ------
    ParameterError
        If it is not above 0 and at most 1.
    """
    if not 0 < max_fpr <= 1:
        raise ParameterError(f"max_fpr is {max_fpr}; choose a rate above 0, at most 1, such as 0.1")
