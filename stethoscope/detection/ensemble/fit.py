"""Training of the detector ensemble; it is described in README.md."""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, ClassVar, Self

import numpy as np

from stethoscope.detection.detector import Detector, Indices, new_detector
from stethoscope.detection.ensemble import ENSEMBLE
from stethoscope.detection.ensemble.score import Level
from stethoscope.detection.normal_scores import NormalScores, read_normal_scores
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.registry import DETECTORS
from stethoscope.detection.train import write_model
from stethoscope.features.store import FeatureStore
from stethoscope.machines import type_of


@dataclass
class Ensemble(Detector):
    """Detectors that score together.

    The clips that are held out are held out from every member, because the thresholds of the
    ensemble are made from their scores.

    Parameters
    ----------
    members : sequence of Detector
        Of different kinds.
    score : {"mean", "max"}
        Mean of the members' scores, or the highest, each in standard deviations above normal clips.

    Attributes
    ----------
    levels_ : dict of str to dict of str to Level
        Mean and deviation of the scores of normal clips, by member and machine.
    curves_ : dict
        Loss curves of the members.
    """

    kind: ClassVar[str] = ENSEMBLE.name

    members: Sequence[Detector]
    score: str = "mean"

    @classmethod
    def from_options(cls, options: DetectorOptions, fit: FitOptions) -> Self:
        """Make an unfitted detector with its members, each with its default score."""
        members = [
            new_detector(replace(options, name=name, score=""), fit) for name in options.kinds
        ]
        return cls(members, score=options.scores_by)

    def fit(self, store: FeatureStore, training: Indices, held_out: Indices) -> Self:
        """Fit the members one after the other on the clips `training`.

        The scores of the clips `held_out` bring the members to one scale.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="stethoscope-")
        self.levels_: dict[str, dict[str, Level]] = {}
        self.curves_ = {}
        for member in self.members:
            folder = Path(self._folder.name) / member.kind
            folder.mkdir()
            own = store if DETECTORS[member.kind].samples else store.without_samples()
            write_model(folder, member.fit(own, training, held_out), own, training, held_out)
            self.levels_[member.kind] = normal_levels(read_normal_scores(folder))
            self.curves_ |= {
                f"{member.kind} {machine_type}": curves
                for machine_type, curves in member.curves_.items()
            }
        return self

    def save(self, folder: Path) -> dict[str, Any]:
        """Write every member as a model folder of its own; return what ``model.json`` holds."""
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
    """Return mean and deviation of a member's scores of normal clips, by machine.

    Scores of clips that were trained on are too low; only the differences between machines are
    taken from them. How much higher other normal clips score, and their deviation, is computed from
    the clips held out, of all machines of a type together: one machine rarely has enough.
    """
    held_out = scores.held_out or scores.trained
    offsets = {
        machine: median(values) for machine, values in {**held_out, **scores.trained}.items()
    }
    residuals: dict[str, list[float]] = defaultdict(list)
    for machine, values in held_out.items():
        residuals[type_of(machine)] += [value - offsets[machine] for value in values]
    levels = {}
    for machine, offset in offsets.items():
        above = residuals[type_of(machine)] or [0.0]
        levels[machine] = Level(offset + float(np.mean(above)), float(np.std(above)) or 1.0)
    return levels
