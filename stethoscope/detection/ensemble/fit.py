"""Several detectors as one: their scores, brought to one scale by normal clips, are averaged or the
highest taken.
"""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.ensemble.score import Level
from stethoscope.detection.normal_scores import NormalScores, read_normal_scores
from stethoscope.detection.train import Detector, write_model
from stethoscope.features.store import FeatureStore
from stethoscope.machines import type_of


@dataclass
class Ensemble:
    """Detectors that score together.

    The clips held out are held out from every member: the thresholds of the whole are made from
    them.

    Parameters
    ----------
    members : sequence of Detector
        Of different kinds.
    score : {"mean", "max"}
        Mean of the members' scores, or the highest, each in standard deviations above normal clips.

    Attributes
    ----------
    levels_ : dict of str to dict of str to Level
        Where the scores of normal clips lie, by member and machine.
    curves_ : dict
        Loss curves of the members.
    """

    kind: ClassVar[str] = "ensemble"
    cross_fits: ClassVar[bool] = False

    members: Sequence[Detector]
    score: str = "mean"

    def fit(
        self, store: FeatureStore, training: npt.NDArray[np.intp], held_out: npt.NDArray[np.intp]
    ) -> Self:
        """Fit the members, one after the other, on the clips `training`; the clips `held_out` give
        their scores a scale.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="stethoscope-")
        self.levels_: dict[str, dict[str, Level]] = {}
        self.curves_: dict[str, dict[str, list[float]]] = {}
        self.out_of_fold_: npt.NDArray[np.float64] | None = None
        for member in self.members:
            folder = Path(self._folder.name) / member.kind
            folder.mkdir()
            write_model(folder, member.fit(store, training, held_out), store, training, held_out)
            self.levels_[member.kind] = normal_levels(read_normal_scores(folder))
            self.curves_ |= {
                f"{member.kind} {machine_type}": curves
                for machine_type, curves in member.curves_.items()
            }
        return self

    def save(self, folder: Path) -> dict[str, Any]:
        """Write every member as a model folder of its own; return what model.json says of them."""
        shutil.copytree(self._folder.name, folder, dirs_exist_ok=True)
        levels = {
            kind: {machine: list(level) for machine, level in machines.items()}
            for kind, machines in self.levels_.items()
        }
        return {
            "members": [member.kind for member in self.members],
            "score": self.score,
            "levels": levels,
        }


def normal_levels(scores: NormalScores) -> dict[str, Level]:
    """Return where a member's scores of normal clips lie, by machine.

    Scores of clips that were trained on are too low. They only say how machines differ; how far
    scores lie above them, and how they scatter, is taken from the clips held out, of all machines
    of a type together: one machine rarely has enough.
    """
    unheard = scores.held_out or scores.trained
    offsets = {machine: median(values) for machine, values in {**unheard, **scores.trained}.items()}
    residuals: dict[str, list[float]] = defaultdict(list)
    for machine, values in unheard.items():
        residuals[type_of(machine)] += [value - offsets[machine] for value in values]
    levels = {}
    for machine, offset in offsets.items():
        above = residuals[type_of(machine)] or [0.0]
        levels[machine] = Level(offset + float(np.mean(above)), float(np.std(above)) or 1.0)
    return levels
