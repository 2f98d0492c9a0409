"""Scoring by several detectors at once."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple, Self

from stethoscope.detection.load import load_scorer
from stethoscope.detection.scorer import Scorer, candidates
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel


class Level(NamedTuple):
    """Mean and standard deviation of the scores of a machine's normal clips."""

    mean: float
    deviation: float


class EnsembleScorer(Scorer):
    """Mean or maximum of the members' scores.

    Each is in standard deviations above the machine's normal clips.
    """

    def __init__(
        self,
        members: dict[str, Scorer],
        levels: Mapping[str, Mapping[str, Level]],
        combine: str,
        feature: LogMel,
    ) -> None:
        self.members = members
        self.levels = levels
        self.combine = max if combine == "max" else fmean
        self.feature = feature
        self.min_frames = max(member.min_frames for member in members.values())

    @classmethod
    def open(cls, folder: Path, model: dict[str, Any], feature: LogMel) -> Self:
        """Open the members, each in a folder of its own."""
        members = {kind: load_scorer(folder / kind) for kind in model["members"]}
        levels = {
            kind: {name: Level(*level) for name, level in machines.items()}
            for kind, machines in model["levels"].items()
        }
        return cls(members, levels, model["score"], feature)

    def score(self, frames: Frames, machine: str) -> float:
        """Return the combined score.

        An id that is not known is scored as each known id of its type; the lowest score counts.
        """
        known = next(iter(self.levels.values()))
        return min(self._score_as(frames, one) for one in candidates(known, machine))

    def deviation(self, frames: Frames, machine: str) -> Frames:
        """Return the deviation of the first member."""
        return next(iter(self.members.values())).deviation(frames, machine)

    def _score_as(self, frames: Frames, machine: str) -> float:
        z = []
        for kind, member in self.members.items():
            level = self.levels[kind][machine]
            z.append((member.score(frames, machine) - level.mean) / level.deviation)
        return float(self.combine(z))
