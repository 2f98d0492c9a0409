"""What a board would say: the models of a bundle as they are exported to a microcontroller."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.roles import Model
from stethoscope.detection.evidence import Evidence
from stethoscope.detection.pooled.score import PooledScorer
from stethoscope.detection.scorer import Scorer
from stethoscope.edge.conversion import DESCRIPTION
from stethoscope.edge.detector import EdgeDetector, edge_score, int8_file
from stethoscope.edge.pooled import EdgePooledScorer
from stethoscope.errors import ModelError
from stethoscope.events.model import EventDetector
from stethoscope.machines import type_of
from stethoscope.model.network import Int8Network
from stethoscope.sound.definition import Frames


def board_bundle(bundle: Bundle) -> Bundle:
    """Return a bundle whose detectors compute what their C computes.

    A diagnosis stays as it is.

    Raises
    ------
    ModelError
        If its detector has no form for a microcontroller, or has not been converted to int8.
    """
    models: dict[str, Model] = dict(bundle.models)
    if "detector" in models:
        models["detector"] = _board_scorer(bundle)
    if "events" in models:
        models["events"] = EventDetector.open(bundle.folder / "models" / "events", "int8")
    return replace(bundle, models=models)


def _board_scorer(bundle: Bundle) -> Scorer:
    scorer, folder = bundle.detector, bundle.folder / "models" / "detector"
    if isinstance(scorer, PooledScorer):
        return EdgePooledScorer(scorer)
    if (folder / DESCRIPTION).is_file():
        return BoardAutoencoder(bundle)
    raise ModelError(
        f"{bundle.folder}: its detector {scorer.kind} was not converted for a microcontroller; "
        "convert a detector autoencoder by `stethoscope export BUNDLE --target c --recordings`"
    )


class BoardAutoencoder(Scorer):
    """The int8 autoencoder of a bundle.

    It scores the windows that lie wholly inside a clip, one after the other. Scores are divided by
    the ratio of int8 and float scores, so that they are compared with the thresholds of the bundle.

    Parameters
    ----------
    bundle : Bundle
        With the files that the conversion wrote.
    """

    def __init__(self, bundle: Bundle) -> None:
        folder, full = bundle.folder / "models" / "detector", bundle.detector
        edge = EdgeDetector.read(folder)
        self.kind, self.feature, self.min_frames = full.kind, full.feature, full.min_frames
        self._full, self._edge = full, edge
        self._ratio = edge.ratio or edge.threshold / bundle.thresholds.threshold(edge.machine)
        self._network = Int8Network(int8_file(folder, edge.machine))

    @classmethod
    def open(cls, folder: Any, model: Mapping[str, Any], feature: Any) -> Self:
        """Not available: it is made of a bundle."""
        raise NotImplementedError

    def score(self, frames: Frames, machine: str) -> float:
        """Return the mean squared error of a clip, in units of the float network's."""
        if type_of(machine) != type_of(self._edge.machine):
            raise ModelError(
                f"machine is {machine!r}; the int8 network is that of {self._edge.machine}: "
                "convert the detector for this type"
            )
        outside = -(-(self.feature.n_fft // 2) // self.feature.hop_length)
        inside = frames[outside : len(frames) - outside]
        whole = inside if len(inside) >= self.min_frames else frames
        return edge_score(self._network, whole, self._edge.context) / self._ratio

    def evidence(self, frames: Frames, machine: str) -> Evidence:
        """Return what the float network returns."""
        return self._full.evidence(frames, machine)
