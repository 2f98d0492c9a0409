"""What the report shows, read from the folders that earlier steps wrote."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from stethoscope.features.store import FeatureStore
from stethoscope.files import read_csv, read_json


@dataclass(frozen=True)
class ClassifiedClip:
    """A clip with the prediction of a network that was not trained on its recording.

    Attributes
    ----------
    index : int
        In the feature store.
    fold : int
    truth, answer : str
        Its label, and the most probable class.
    probabilities : dict of str to float
        By label.
    """

    index: int
    fold: int
    truth: str
    answer: str
    probabilities: dict[str, float]

    @property
    def confidence(self) -> float:
        """Probability of the most probable class."""
        return self.probabilities[self.answer]


@dataclass(frozen=True)
class ClassInputs:
    """Everything that the sections on classes read.

    Attributes
    ----------
    store : FeatureStore
    evaluation : dict
        The content of ``evaluation.json``.
    answers : list of ClassifiedClip
    model : dict
        The content of ``model.json``.
    training : dict
        The content of ``curves.json``.
    """

    store: FeatureStore
    evaluation: dict[str, Any]
    answers: list[ClassifiedClip]
    model: dict[str, Any]
    training: dict[str, Any]

    @classmethod
    def read(
        cls,
        *,
        features: str | os.PathLike[str],
        model: str | os.PathLike[str],
        results: str | os.PathLike[str],
    ) -> Self:
        """Read a feature store, a model folder and the folder of its cross-validation.

        Raises
        ------
        ModelError, DatasetError
            If one of them is incomplete.
        """
        store = FeatureStore.open(features)
        evaluation = read_json(Path(results) / "evaluation.json")
        answers = _read_answers(Path(results) / "answers.csv", store, evaluation["labels"])
        described = read_json(Path(model) / "model.json")
        training = read_json(Path(model) / "curves.json")
        return cls(store, evaluation, answers, described, training)

    @property
    def fit(self) -> dict[str, Any]:
        """How the model was fitted."""
        options: dict[str, Any] = self.model["fit"]
        return options

    @property
    def window(self) -> int:
        """Frames that the network takes at once."""
        return int(self.model["window"])

    @cached_property
    def mistakes(self) -> list[ClassifiedClip]:
        """Clips with a wrong prediction, the most confident first."""
        wrong = [one for one in self.answers if one.truth != one.answer]
        return sorted(wrong, key=lambda one: -one.confidence)


def _read_answers(path: Path, store: FeatureStore, labels: list[str]) -> list[ClassifiedClip]:
    originals = {
        (clip.source, clip.path): index
        for index, clip in enumerate(store.clips)
        if not clip.augmentation
    }
    return [
        ClassifiedClip(
            index=originals[row["source"], row["path"]],
            fold=int(row["fold"]),
            truth=row["label"],
            answer=row["answer"],
            probabilities={label: float(row[label]) for label in labels},
        )
        for row in read_csv(path)
    ]
