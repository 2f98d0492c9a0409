"""Evaluation of a detector: score the test clips with the exported model, decide, measure."""

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

from stethoscope.counts import format_range
from stethoscope.datasets.clips import Clip
from stethoscope.detection.dcase import write_results
from stethoscope.detection.metrics import Evaluation, Summary, evaluate
from stethoscope.detection.normal_scores import read_normal_scores, score_clips
from stethoscope.detection.options import MAX_FPR, ThresholdMethod, ThresholdOptions
from stethoscope.detection.scores import ScoredClip, write_scores
from stethoscope.detection.sound_profiles import count_unlike
from stethoscope.detection.thresholds import Thresholds, fit_thresholds
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_json
from stethoscope.machines import format_machines
from stethoscope.progress import warn


def evaluate_detector(
    features: str | os.PathLike[str],
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    scores: str | os.PathLike[str] | None = None,
    max_fpr: float = MAX_FPR.default,
    false_alarm_rate: float = ThresholdOptions.false_alarm_rate,
    method: ThresholdMethod = ThresholdOptions.method,
    seed: int = 0,
) -> Evaluation:
    """Evaluate a fitted detector on the test clips of a feature store.

    The folder then holds ``scores.csv``, the official result files, ``thresholds.json`` and
    ``evaluation.json`` (figures, recording sessions per machine, skipped recordings, warnings).

    Parameters
    ----------
    features, model : path
        Feature store and model folder.
    folder : path
        Written all or nothing.
    scores : path, optional
        Where ``scores.csv`` is written a second time.
    max_fpr : float
        Largest false-positive rate of the partial AUC.
    false_alarm_rate : float
        Fraction of normal clips that may be called anomalous.
    method : {"gamma", "empirical"}
        How thresholds are drawn from the scores of normal clips.
    seed : int
        Of the bootstrap intervals.

    Raises
    ------
    DatasetError
        If there is no test clip.
    """
    store = FeatureStore.open(features)
    test = store.where(lambda clip: clip.split == "test")
    if not len(test):
        raise DatasetError(
            "there is no test recording to evaluate on; "
            "give a set with test clips, normal and anomalous"
        )
    thresholds, warnings = normal_thresholds(model, false_alarm_rate, method)
    scored = [
        _decide(store.clips[index], score, thresholds)
        for index, score in zip(test, score_clips(model, store, test), strict=True)
    ]
    evaluation = evaluate(scored, max_fpr=max_fpr, seed=seed)
    unlike = count_unlike(Path(model), store, test)
    warnings += [
        *thresholds.warnings(),
        *evaluation.warnings,
        *_too_many_alarms(evaluation.overall, thresholds),
        *_unlike(unlike),
    ]
    for warning in warnings:
        warn(warning)
    with atomic_folder(folder) as temporary:
        write_scores(temporary / "scores.csv", scored)
        write_results(temporary, scored, max_fpr=max_fpr)
        write_json(temporary / "thresholds.json", thresholds.to_json())
        write_json(
            temporary / "evaluation.json",
            {
                **evaluation.to_json(),
                "sessions": {
                    machine: thresholds.sessions.get(machine) for machine in thresholds.machines
                },
                "skipped": [asdict(one) for one in store.skipped],
                "unlike_training": unlike,
                "warnings": warnings,
            },
        )
    if scores is not None:
        write_scores(scores, scored)
    return evaluation


def normal_thresholds(
    model: str | os.PathLike[str],
    false_alarm_rate: float,
    method: ThresholdMethod = ThresholdOptions.method,
) -> tuple[Thresholds, list[str]]:
    """Fit thresholds to the scores of normal clips in a model folder.

    Returns
    -------
    thresholds : Thresholds
    warnings : list of str
    """
    scores = read_normal_scores(model)
    offsets = {machine: median(values) for machine, values in scores.trained.items()}
    warnings = []
    if not scores.held_out:
        warnings.append(
            "no recording was held out from training, thresholds rest on clips that were trained "
            "on and raise more false alarms than wanted"
        )
    thresholds = fit_thresholds(
        scores.held_out or scores.trained,
        offsets,
        false_alarm_rate=false_alarm_rate,
        method=method,
    )
    sessions = {machine: len(names) for machine, names in scores.sessions.items()}
    return replace(thresholds, sessions=sessions), warnings


def _too_many_alarms(measured: Summary, thresholds: Thresholds) -> list[str]:
    """Return a warning about the machines with more false alarms than chance explains.

    Chance includes that of the test clips, and that of the clips behind the threshold.
    """
    shares = {}
    for one in measured.machines:
        share, low = one.false_alarm_rate.value, one.false_alarm_rate.low
        if (
            share is not None
            and low is not None
            and low > thresholds.false_alarm_rate
            and thresholds.reliable(one.machine)
        ):
            shares[one.machine] = round(100 * share)
    if not shares:
        return []
    text = (
        f"{format_range(shares.values())} % of the normal test clips raise an alarm, "
        f"{100 * thresholds.false_alarm_rate:g} % was wanted; normal test clips sound different "
        "from the training clips: train on recordings of more days and places"
    )
    return [format_machines(list(shares), text)]


def _unlike(counts: Mapping[str, Any]) -> list[str]:
    """Return a warning about test clips that would be refused, because they are unlike training."""
    if not counts["refused"]:
        return []
    reasons = ", ".join(one["reason"] for one in counts["reasons"] if one["refuses"])
    return [
        f"{counts['refused']} of {counts['clips']} test clips are so unlike the training "
        f"recordings that predict and the service refuse them ({reasons}); "
        "record training and test alike"
    ]


def _decide(clip: Clip, score: float, thresholds: Thresholds) -> ScoredClip:
    return ScoredClip(
        path=clip.path,
        machine_id=clip.machine_id,
        condition=clip.condition,
        score=score,
        threshold=thresholds.threshold(clip.machine),
        decision=thresholds.decide(score, clip.machine),
        machine_type=clip.machine_type,
        domain=clip.domain,
        snr_db=clip.snr_db,
        label=clip.label,
        source=clip.source,
        start=clip.start,
        end=clip.end,
    )
