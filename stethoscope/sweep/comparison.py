"""Settings of a sweep compared on the same clips: which differ by more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from stethoscope.detection.compare import compare
from stethoscope.detection.scores import ScoredClip, read_scores
from stethoscope.errors import StethoscopeError


def compare_with_best(
    groups: Mapping[str, Sequence[Mapping[str, Any]]], best: str, folder: Path
) -> dict[str, dict[str, Any]]:
    """Compare the best setting with each other one by a paired bootstrap.

    Parameters
    ----------
    groups : mapping of str to sequence of mapping
        Results of the runs of each setting.
    best : str
        The setting with the highest mean.
    folder : Path
        Holds the folder of results of each run, by the name of its item.

    Returns
    -------
    dict
        For each other setting ``difference`` of the AUC (best minus this one), ``low`` and ``high``
        of its 95 % interval, and ``beyond_chance``. A setting that shares no scored clip with the
        best one is left out.
    """
    own = _scores(groups[best], folder)
    found = {}
    for name, runs in groups.items():
        if name == best:
            continue
        try:
            auc = compare(own, _scores(runs, folder)).auc
        except StethoscopeError:
            continue  # no common clip of known condition
        if auc.difference.value is not None:
            found[name] = {
                "difference": auc.difference.value,
                "low": auc.difference.low,
                "high": auc.difference.high,
                "beyond_chance": auc.beyond_chance,
            }
    return found


def _scores(runs: Sequence[Mapping[str, Any]], folder: Path) -> list[ScoredClip]:
    """Return the clips of all runs of a setting, distinguished by the machine of the sweep."""
    scored: list[ScoredClip] = []
    for one in runs:
        path = folder / one["item"] / "scores.csv"
        if one["status"] == "succeeded" and path.is_file():
            scored += [
                replace(clip, machine_type=f"{one['machine']} {clip.machine_type}".strip())
                for clip in read_scores(path)
            ]
    return scored
