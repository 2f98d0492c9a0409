"""Clips as deviations from the normal frame of their machine."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from stethoscope.classification.folds import Indices, class_labels, originals
from stethoscope.diagnosis.known import Array, KnownFaults, fit_known_faults
from stethoscope.diagnosis.model import References
from stethoscope.features.store import FeatureStore
from stethoscope.sound.definition import Frames


@dataclass(frozen=True)
class RelativeStore(FeatureStore):
    """A feature store whose frames are deviations from the normal frame of their machine."""

    references: References

    @classmethod
    def of(cls, store: FeatureStore, references: References) -> Self:
        """Return a store of the same clips, relative to these references."""
        own = {one.name: getattr(store, one.name) for one in fields(FeatureStore)}
        return cls(**own, references=references)

    def clip_frames(self, index: int) -> Frames:
        """Return the deviation of one clip [shape=(n_frames, n_values), dtype=float32]."""
        return self.references.relative(super().clip_frames(index), self.clips[index].machine)


def known_faults(store: RelativeStore, labels: Sequence[str], clips: Indices) -> KnownFaults | None:
    """Return what the chosen clips of each group have in common; None if they are too few.

    Altered versions of clips are left out: they would seem to be further members of their group.
    """
    chosen = originals(store.clips, clips)
    classes = class_labels([labels[index] for index in chosen])
    return fit_known_faults(
        descriptions(store, chosen),
        np.array([classes.index(labels[index]) for index in chosen]),
        [store.clips[index].recording for index in chosen],
    )


def descriptions(store: RelativeStore, clips: Indices) -> Array:
    """Return the mean frames of clips [shape=(n_clips, n_values)]."""
    return np.array([store.clip_frames(index).mean(axis=0, dtype=np.float64) for index in clips])
