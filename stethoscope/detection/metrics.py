"""Figures of a detector on its test clips: by machine, and as means over machines.

Everything is a :class:`~stethoscope.stats.figure.Figure`: a value with its 95 % interval, or no
value and the reason.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stethoscope.counts import format_range
from stethoscope.detection.options import MAX_FPR
from stethoscope.detection.scores import ScoredClip
from stethoscope.errors import ParameterError
from stethoscope.machines import format_machines
from stethoscope.stats.bootstrap import area_figure, bootstrap_areas
from stethoscope.stats.figure import Figure, proportion
from stethoscope.stats.roc import BoolArray, Curve, FloatArray, missing_class, roc_curve

FEW_CLIPS = 30
"""With fewer normal or anomalous clips than this, the figures come with a warning;
docs/decisions.md explains which of them to trust.
"""

NOTHING_TO_RANK = "no machine has both normal and anomalous clips"


@dataclass(frozen=True, slots=True)
class MachineFigures:
    """Figures of one machine, from its test clips.

    `auc` and `pauc` have bootstrap intervals; `accuracy`, `precision`, `recall` and
    `false_alarm_rate` have Wilson's. As in the DCASE evaluators, precision is 0 where no clip was
    called anomalous.
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
    """Figures of several machines, and their means.

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
    """Everything that an evaluation measured.

    Attributes
    ----------
    max_fpr : float
        Upper end of the false-positive rates that the pAUC covers.
    overall : Summary
    breakdowns : dict of str to dict of str to Summary
        The same by ``machine_type``, ``snr_db`` and ``domain``, where the clips have more than one
        value of it.
    warnings : tuple of str
        What limits the figures.
    """

    max_fpr: float
    overall: Summary
    breakdowns: dict[str, dict[str, Summary]]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as JSON values, without NaN."""
        return asdict(self)


def evaluate(
    scored: Sequence[ScoredClip], *, max_fpr: float = MAX_FPR.default, seed: int = 0
) -> Evaluation:
    """Measure a detector on scored test clips.

    Parameters
    ----------
    scored : sequence of ScoredClip
    max_fpr : float
        Largest false-positive rate of the pAUC, above 0 and at most 1.
    seed : int
        Of the bootstrap.

    Raises
    ------
    ParameterError
        If `max_fpr` is out of range, or there are no clips.
    """
    MAX_FPR.check(max_fpr)
    if not scored:
        raise ParameterError("evaluation: there is no scored clip; give test clips")
    overall = _summarise(scored, max_fpr, seed)
    breakdowns = {}
    for name, key in _BREAKDOWNS.items():
        values = sorted({key(clip) for clip in scored} - {None, ""})
        if len(values) > 1:
            breakdowns[name] = {
                value if isinstance(value, str) else f"{value:g}": _summarise(
                    [clip for clip in scored if key(clip) == value], max_fpr, seed
                )
                for value in values
            }
    return Evaluation(max_fpr, overall, breakdowns, tuple(_warnings(overall)))


def values_by_name(evaluation: Evaluation) -> dict[str, float]:
    """Return the values of all figures that could be computed, as ``auc`` or ``fan_00_auc``."""
    overall = evaluation.overall
    named = {
        "auc": overall.auc,
        "pauc": overall.pauc,
        "auc_harmonic": overall.harmonic_auc,
        "pauc_harmonic": overall.harmonic_pauc,
        "false_alarm_rate": overall.false_alarm_rate,
    }
    for one in overall.machines:
        prefix = one.machine.replace("/", "_")
        for name in ("auc", "pauc", "accuracy", "precision", "recall", "f1", "false_alarm_rate"):
            named[f"{prefix}_{name}"] = getattr(one, name)
    return {name: float(figure.value) for name, figure in named.items() if figure.value is not None}


def roc_relative_to_thresholds(scored: Sequence[ScoredClip], *, machine: str = "") -> Curve | None:
    """Return the ROC curve of one machine, or of all together.

    Scores of different machines have different scales. Therefore each score is taken relative to
    the threshold of its machine, as for the decisions.

    Parameters
    ----------
    scored : sequence of ScoredClip
    machine : str
        ``fan/00``; empty for all.

    Returns
    -------
    Curve or None
        None if normal or anomalous clips are missing.

    Raises
    ------
    ParameterError
        If no clip belongs to `machine`.
    """
    known = [
        clip for clip in scored if clip.condition != "unknown" and machine in ("", clip.machine)
    ]
    if machine and not known:
        machines = ", ".join(sorted({clip.machine for clip in scored}))
        raise ParameterError(f"machine is {machine!r}; there are {machines}")
    return roc_curve(
        [clip.score - clip.threshold for clip in known],
        [clip.condition == "anomaly" for clip in known],
    )


_BREAKDOWNS: dict[str, Callable[[ScoredClip], Any]] = {
    "machine_type": lambda clip: clip.machine_type,
    "snr_db": lambda clip: clip.snr_db,
    "domain": lambda clip: clip.domain,
}


@dataclass(frozen=True, slots=True)
class _Areas:
    """AUC and pAUC of one machine, or their means over several.

    Attributes
    ----------
    samples : np.ndarray [shape=(1 + n_resamples, 2)]
        AUC and pAUC as measured (row 0) and of the resamples.
    support : np.ndarray [shape=(2,)]
        Pairs of a normal and an anomalous clip that AUC and pAUC are computed from.
    """

    samples: FloatArray
    support: FloatArray

    def figures(self, max_fpr: float) -> tuple[Figure, Figure]:
        """Return AUC and pAUC with their intervals."""
        return (
            area_figure(self.samples[:, 0], 1.0, float(self.support[0])),
            area_figure(self.samples[:, 1], max_fpr, float(self.support[1])),
        )


def _summarise(scored: Sequence[ScoredClip], max_fpr: float, seed: int) -> Summary:
    machines: list[MachineFigures] = []
    measured: list[_Areas] = []
    for index, machine in enumerate(sorted({clip.machine for clip in scored})):
        clips = [clip for clip in scored if clip.machine == machine]
        known = [clip for clip in clips if clip.condition != "unknown"]
        anomalous = np.array([clip.condition == "anomaly" for clip in known], dtype=bool)
        auc = pauc = Figure(None, reason=missing_class(anomalous))
        if not auc.reason:
            scores = np.array([clip.score for clip in known])
            measured.append(
                _measure_areas(scores, anomalous, max_fpr, np.random.default_rng([seed, index]))
            )
            auc, pauc = measured[-1].figures(max_fpr)
        machines.append(_machine_figures(machine, clips, anomalous, auc, pauc))
    auc = pauc = harmonic_auc = harmonic_pauc = Figure(None, reason=NOTHING_TO_RANK)
    if measured:
        (auc, pauc), (harmonic_auc, harmonic_pauc) = (
            mean.figures(max_fpr) for mean in _mean_areas(measured)
        )
    normal = [clip.decision for clip in scored if clip.condition == "normal"]
    return Summary(
        machines=tuple(machines),
        auc=auc,
        pauc=pauc,
        harmonic_auc=harmonic_auc,
        harmonic_pauc=harmonic_pauc,
        worst_machine=_worst_machine(machines),
        false_alarm_rate=proportion(sum(normal), len(normal), "no normal clips"),
    )


def _measure_areas(
    scores: FloatArray, anomalous: BoolArray, max_fpr: float, rng: np.random.Generator
) -> _Areas:
    # A pAUC depends only on the normal clips within max_fpr, the few of highest score.
    support = [min(anomalous.sum(), share * (~anomalous).sum()) for share in (1.0, max_fpr)]
    return _Areas(bootstrap_areas(scores, anomalous, max_fpr, rng), np.array(support))


def _mean_areas(measured: Sequence[_Areas]) -> tuple[_Areas, _Areas]:
    """Return the arithmetic and the harmonic means over machines."""
    samples = np.stack([one.samples for one in measured])
    harmonic = 1 / (1 / np.maximum(samples, np.finfo(float).eps)).mean(axis=0)
    support = np.sum([one.support for one in measured], axis=0)
    return _Areas(samples.mean(axis=0), support), _Areas(harmonic, support)


def _worst_machine(machines: Sequence[MachineFigures]) -> str:
    aucs = {one.machine: one.auc.value for one in machines if one.auc.value is not None}
    return min(aucs, key=lambda machine: aucs[machine], default="")


def _machine_figures(
    machine: str, clips: Sequence[ScoredClip], anomalous: BoolArray, auc: Figure, pauc: Figure
) -> MachineFigures:
    decided = np.array([clip.decision for clip in clips if clip.condition != "unknown"], dtype=bool)
    hits, misses = int((decided & anomalous).sum()), int((~decided & anomalous).sum())
    alarms, passes = int((decided & ~anomalous).sum()), int((~decided & ~anomalous).sum())
    accuracy = precision = f1 = Figure(None, reason=missing_class(anomalous))
    if not accuracy.reason:
        accuracy = proportion(hits + passes, len(decided), "")
        precision = proportion(hits, hits + alarms, "") if hits + alarms else Figure(0.0)
        f1 = Figure(2 * hits / (2 * hits + alarms + misses))
    return MachineFigures(
        machine=machine,
        n_normal=alarms + passes,
        n_anomaly=hits + misses,
        n_unknown=len(clips) - len(decided),
        auc=auc,
        pauc=pauc,
        accuracy=accuracy,
        precision=precision,
        recall=proportion(hits, hits + misses, "no anomalous clips"),
        f1=f1,
        false_alarm_rate=proportion(alarms, alarms + passes, "no normal clips"),
    )


def _warnings(summary: Summary) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    few: list[MachineFigures] = []
    only_normal = not any(one.n_anomaly for one in summary.machines)  # healthy recordings alone
    for one in summary.machines:
        if one.auc.value is None and only_normal and one.n_normal:
            pass  # nothing is wrong with them
        elif one.auc.value is None:
            text = f"AUC not computable, {one.auc.reason}; left out of the means"
            reasons.setdefault(text, []).append(one.machine)
        elif min(one.n_normal, one.n_anomaly) < FEW_CLIPS:
            few.append(one)
        if one.n_unknown:
            text = "clips of unknown condition; scored, but in no figure"
            reasons.setdefault(text, []).append(one.machine)
    if few:
        normal, anomalous = (
            format_range(one.n_normal for one in few),
            format_range(one.n_anomaly for one in few),
        )
        text = (
            f"{normal} normal and {anomalous} anomalous clips; with fewer than {FEW_CLIPS} of "
            "either, one clip changes the AUC by several points and the pAUC is not reliable"
        )
        yield format_machines([one.machine for one in few], text)
    for text, machines in reasons.items():
        yield format_machines(machines, text)
