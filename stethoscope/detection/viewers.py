"""What Kubeflow's viewers show of an evaluation: one ROC curve, and figures with names."""

from collections.abc import Sequence

from stethoscope.detection.metrics import Evaluation
from stethoscope.detection.scores import ScoredClip
from stethoscope.errors import ParameterError
from stethoscope.stats.roc import Curve, roc_curve


def viewer_roc(scored: Sequence[ScoredClip], *, machine: str = "") -> Curve | None:
    """Return the ROC curve of one machine, or of all together.

    Scores of different machines lie on different scales; together they are taken relative to each
    machine's threshold, as the decisions are.

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
        raise ParameterError(
            f"machine is {machine!r}; there are {', '.join(sorted({clip.machine for clip in scored}))}"
        )
    return roc_curve(
        [clip.score - clip.threshold for clip in known],
        [clip.condition == "anomaly" for clip in known],
    )


def viewer_figures(evaluation: Evaluation) -> dict[str, float]:
    """Return all figures that could be computed, by a name that a table can show: ``auc``,
    ``fan_00_auc``.
    """
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
