"""What the report shows, read from the folders that earlier steps wrote."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.clips import read_clips
from stethoscope.events.model import EventDetector
from stethoscope.events.options import read_fit
from stethoscope.events.windows import LabelledWindows
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_csv, read_json

Row = dict[str, str]


@dataclass(frozen=True)
class EventInputs:
    """Everything that the sections on events read.

    Attributes
    ----------
    store : FeatureStore
    detector : EventDetector
    windows : LabelledWindows
    evaluation : dict
        The content of ``evaluation.json``.
    scored, events : list of dict
        Rows of ``windows.csv`` and ``events.csv``.
    model : dict
        The content of ``model.json``.
    training : dict
        The content of ``curves.json``.
    first_layer : np.ndarray [shape=(n_frames, n_bands, n_filters)]
        Weights of the first layer.
    """

    store: FeatureStore
    detector: EventDetector
    windows: LabelledWindows
    evaluation: dict[str, Any]
    scored: list[Row]
    events: list[Row]
    model: dict[str, Any]
    training: dict[str, Any]
    first_layer: npt.NDArray[np.float32]

    @property
    def labels(self) -> list[str]:
        """The labels of the classes, in the order of the network's outputs."""
        return [one.label for one in self.detector.classes]

    @property
    def has_classes(self) -> bool:
        """Whether there are several classes."""
        return len(self.detector.classes) > 1

    @classmethod
    def read(
        cls,
        *,
        features: str | os.PathLike[str],
        clips: str | os.PathLike[str],
        model: str | os.PathLike[str],
        results: str | os.PathLike[str],
    ) -> Self:
        """Read a feature store, a table of clips, a model folder and the folder of an evaluation.

        Raises
        ------
        ModelError, DatasetError
            If one of them is incomplete.
        """
        model, results = Path(model), Path(results)
        store, described = FeatureStore.open(features), read_json(model / "model.json")
        return cls(
            store=store,
            detector=EventDetector.open(model),
            windows=LabelledWindows.cut(store, read_clips(clips), read_fit(described)),
            evaluation=read_json(results / "evaluation.json"),
            scored=list(read_csv(results / "windows.csv")),
            events=list(read_csv(results / "events.csv")),
            model=described,
            training=read_json(model / "curves.json"),
            first_layer=np.load(model / "first_layer.npy"),
        )
