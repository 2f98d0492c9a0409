"""Scoring the clips of a feature store, and the scores of normal clips that travel with a model."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.clips import Clip
from stethoscope.detection.load import load_scorer
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_csv, write_csv
from stethoscope.machines import machine_key
from stethoscope.parallel import map_in_order
from stethoscope.progress import track

_NORMAL_SCORES = "normal_scores.csv"


def score_clips(
    model: str | os.PathLike[str], store: FeatureStore, clips: npt.NDArray[np.intp]
) -> list[float]:
    """Score clips of a store, given by index, with the exported files of a model folder.

    Raises
    ------
    DatasetError
        If a score is not a finite number.
    """
    scorer = load_scorer(model)

    def score(index: int) -> float:
        return scorer.score(np.array(store.clip_frames(index)), store.clips[index].machine)

    scores = []
    for index, value in zip(
        clips, track(map_in_order(score, clips), label="score", total=len(clips)), strict=True
    ):
        if not math.isfinite(value):
            clip = store.clips[index]
            raise DatasetError(
                f"{clip.path} in {clip.source}: its score is not a finite number; "
                "remove the recording, or train again"
            )
        scores.append(value)
        store.release()
    return scores


@dataclass(frozen=True, slots=True)
class NormalScores:
    """Scores of normal training clips by machine, ``fan/00``.

    Attributes
    ----------
    held_out : dict of str to list of float
        Of clips that were not trained on.
    trained : dict of str to list of float
        Of clips that were.
    sessions : dict of str to dict of str to list of float
        Scores of held-out clips by recording session, of machines whose sessions are known. A
        session that was only trained on has none.
    """

    held_out: dict[str, list[float]]
    trained: dict[str, list[float]]
    sessions: dict[str, dict[str, list[float]]] = field(default_factory=dict)


def read_normal_scores(model: str | os.PathLike[str]) -> NormalScores:
    """Read the scores of normal clips from a model folder."""
    scores = NormalScores({}, {})
    for row in read_csv(Path(model) / _NORMAL_SCORES):
        machine, score = machine_key(row["machine_type"], row["machine_id"]), float(row["score"])
        held_out = row["held_out"] == "1"
        side = scores.held_out if held_out else scores.trained
        side.setdefault(machine, []).append(score)
        sessions = scores.sessions.setdefault(machine, {})
        sessions.setdefault(row.get("session", ""), []).extend([score] * held_out)
    known = {machine: names for machine, names in scores.sessions.items() if "" not in names}
    return replace(scores, sessions=known)


def write_normal_scores(
    model: Path, clips: Sequence[Clip], held_out: npt.NDArray[np.bool_], scores: Sequence[float]
) -> None:
    """Write the scores of normal clips into a model folder.

    Parameters
    ----------
    model : Path
    clips : sequence of Clip
    held_out : np.ndarray of bool [shape=(n_clips,)]
        True for clips that were not trained on.
    scores : sequence of float
        A score per clip.
    """
    header = (
        *("source", "path", "machine_type", "machine_id", "held_out", "score", "session"),
        *("start", "end"),
    )
    rows = [
        (
            clip.source,
            clip.path,
            clip.machine_type,
            clip.machine_id,
            int(unseen),
            repr(score),
            clip.session,
            clip.start,
            clip.end,
        )
        for clip, unseen, score in zip(clips, held_out, scores, strict=True)
    ]
    write_csv(model / _NORMAL_SCORES, [header, *rows])
