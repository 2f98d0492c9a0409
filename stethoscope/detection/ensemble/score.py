"""Scoring by several detectors at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple, Self

import numpy as np

from stethoscope.checks import EXPORT_AGAIN, check, entries, fields, items, number, text
from stethoscope.detection.evidence import Evidence
from stethoscope.detection.load import load_scorer
from stethoscope.detection.registry import DETECTORS
from stethoscope.detection.scorer import Scorer, candidates
from stethoscope.errors import ModelError
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel

_LEVELS = entries(items(number(), least=2, most=2), least=1)
_MODEL = fields(
    {
        "members": items(
            text(*(name for name, one in DETECTORS.items() if not one.combines)),
            least=1,
            distinct=True,
        ),
        "score": text("mean", "max"),
        "levels": entries(_LEVELS),
    }
)


class Level(NamedTuple):
    """Mean and standard deviation of the scores of a machine's normal clips."""

    mean: float
    deviation: float


def _check_machines(folder: Path, levels: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Check that all members have the same machines, and deviations that can be divided by.

    Raises
    ------
    ModelError
        If they do not.
    """
    machines = [set(one) for one in levels.values()]
    deviations = [level[1] for one in levels.values() for level in one.values()]
    if any(one != machines[0] for one in machines) or min(deviations) <= 0:
        raise ModelError(
            f"{folder / 'model.json'}: levels has other machines for one member than for another, "
            f"or a deviation that is not positive; {EXPORT_AGAIN}"
        )


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
        check(folder / "model.json", model, _MODEL)
        kinds = dict.fromkeys(model["members"], _LEVELS)
        check(folder / "model.json", {"levels": model["levels"]}, fields({"levels": fields(kinds)}))
        _check_machines(folder, model["levels"])
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

    def evidence(self, frames: Frames, machine: str) -> Evidence:
        """Return the contributions of the members, in standard deviations of normal clips."""
        known = next(iter(self.levels.values()))
        scores = {one: self._score_as(frames, one) for one in candidates(known, machine)}
        scored_as = min(scores, key=scores.__getitem__)
        values = np.zeros((len(frames), self.feature.n_mels), dtype=np.float32)
        parts = {}
        for kind, share in self._shares(frames, scored_as).items():
            level = self.levels[kind][scored_as]
            member = self.members[kind]
            own = member.evidence(frames[:, : member.feature.size], scored_as)
            values += own.values * np.float32(share / level.deviation)
            parts[kind] = share * (own.score - level.mean) / level.deviation
        return Evidence(scores[scored_as], values, parts)

    def _shares(self, frames: Frames, machine: str) -> dict[str, float]:
        """Return the share of each member in the score: equal, or all for the highest."""
        z = self._z(frames, machine)
        if self.combine is max:
            return {max(z, key=z.__getitem__): 1.0}
        return dict.fromkeys(z, 1 / len(z))

    def _score_as(self, frames: Frames, machine: str) -> float:
        return float(self.combine(self._z(frames, machine).values()))

    def _z(self, frames: Frames, machine: str) -> dict[str, float]:
        """Return the score of each member, in standard deviations above normal clips."""
        z = {}
        for kind, member in self.members.items():
            level = self.levels[kind][machine]
            own = frames[:, : member.feature.size]
            z[kind] = (member.score(own, machine) - level.mean) / level.deviation
        return z
