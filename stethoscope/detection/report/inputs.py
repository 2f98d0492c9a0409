"""What the report shows, read from the folders that earlier steps wrote."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from stethoscope.detection.load import load_scorer
from stethoscope.detection.metrics import MachineFigures, Summary
from stethoscope.detection.normal_scores import NormalScores, read_normal_scores
from stethoscope.detection.scorer import Scorer
from stethoscope.detection.scores import ScoredClip, read_scores
from stethoscope.detection.thresholds import Thresholds
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json
from stethoscope.machines import split_key
from stethoscope.report.media import ClipKey, clip_key
from stethoscope.report.words import short
from stethoscope.sound.definition import Frames
from stethoscope.stats.figure import Figure


@dataclass(frozen=True)
class DetectionInputs:
    """Everything that the sections on detection read.

    Attributes
    ----------
    store : FeatureStore
    scorer : Scorer
    scored : list of ScoredClip
        The test clips.
    thresholds : Thresholds
    normal_scores : NormalScores
        Of the training clips.
    max_fpr : float
        Of the pAUC.
    overall : Summary
    breakdowns : dict of str to dict of str to Summary
    warnings : list of str
    skipped : list of dict
        Source, path and reason of recordings that could not be used.
    unlike_training : dict
        Test clips that are unlike the training recordings; empty in an older evaluation.
    model : dict
        The content of ``model.json``.
    curves : dict
        Loss curves by machine type.
    """

    store: FeatureStore
    scorer: Scorer
    scored: list[ScoredClip]
    thresholds: Thresholds
    normal_scores: NormalScores
    max_fpr: float
    overall: Summary
    breakdowns: dict[str, dict[str, Summary]]
    warnings: list[str]
    skipped: list[dict[str, str]]
    unlike_training: dict[str, Any]
    model: dict[str, Any]
    curves: dict[str, dict[str, list[float]]]

    @classmethod
    def read(
        cls,
        *,
        features: str | os.PathLike[str],
        model: str | os.PathLike[str],
        results: str | os.PathLike[str],
    ) -> Self:
        """Read a feature store, a model folder and the folder of an evaluation.

        Raises
        ------
        ModelError, DatasetError
            If one of them is incomplete.
        """
        model, results = Path(model), Path(results)
        evaluation = read_json(results / "evaluation.json")
        return cls(
            store=FeatureStore.open(features),
            scorer=load_scorer(model),
            scored=read_scores(results / "scores.csv"),
            thresholds=Thresholds.from_json(read_json(results / "thresholds.json")),
            normal_scores=read_normal_scores(model),
            max_fpr=evaluation["max_fpr"],
            overall=_summary(evaluation["overall"]),
            breakdowns={
                name: {value: _summary(summary) for value, summary in parts.items()}
                for name, parts in evaluation["breakdowns"].items()
            },
            warnings=evaluation["warnings"],
            skipped=evaluation["skipped"],
            unlike_training=evaluation.get("unlike_training", {}),
            model=read_json(model / "model.json"),
            curves=read_json(model / "curves.json"),
        )

    @cached_property
    def by_machine(self) -> dict[str, list[ScoredClip]]:
        """Test clips by machine, ``fan/00``, machines in alphabetical order."""
        return {
            machine: [clip for clip in self.scored if clip.machine == machine]
            for machine in sorted({c.machine for c in self.scored})
        }

    @cached_property
    def by_type(self) -> dict[str, list[ScoredClip]]:
        """Test clips by machine type, types in alphabetical order."""
        types = sorted({clip.machine_type for clip in self.scored})
        return {
            machine_type: [clip for clip in self.scored if clip.machine_type == machine_type]
            for machine_type in types
        }

    @cached_property
    def position(self) -> dict[ClipKey, int]:
        """Index in the store of a clip."""
        return {clip_key(clip): index for index, clip in enumerate(self.store.clips)}

    @cached_property
    def normal_training(self) -> dict[str, list[int]]:
        """Indices in the store of the normal training clips, by machine."""
        positions: dict[str, list[int]] = {}
        for index, clip in enumerate(self.store.clips):
            if clip.split == "train" and clip.condition == "normal":
                positions.setdefault(clip.machine, []).append(index)
        return positions

    def mean_spectrum(self, index: int) -> Frames:
        """Return the mean over the frames of a clip of the store [shape=(n_mels,)]."""
        bands = self.store.clip_frames(index)[:, : self.scorer.feature.n_mels]
        spectrum: Frames = bands.mean(axis=0)
        self.store.release()
        return spectrum

    @cached_property
    def worst_first(self) -> list[str]:
        """Machines from the lowest AUC to the highest; those without one come last."""
        auc = {figures.machine: figures.auc.value for figures in self.overall.machines}
        return sorted(
            self.by_machine, key=lambda machine: (auc[machine] is None, auc[machine] or 0.0)
        )

    def is_worst(self, machine: str) -> bool:
        """Whether a machine's AUC is lower than that of every other machine."""
        measured = sorted(
            (one.auc.value, one.machine)
            for one in self.overall.machines
            if one.auc.value is not None
        )
        return len(measured) > 1 and measured[0][1] == machine and measured[0][0] < measured[1][0]


def machine_name(machine: str) -> str:
    """Return the name of a machine for people: ``fan/00`` is fan 00."""
    return short(" ".join(part for part in split_key(machine) if part) or "machine", 40)


def _summary(value: Mapping[str, Any]) -> Summary:
    machines = tuple(MachineFigures(**_with_figures(one)) for one in value["machines"])
    return Summary(**_with_figures({**value, "machines": machines}))


def _with_figures(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Figure(**one) if isinstance(one, Mapping) else one for name, one in value.items()}
