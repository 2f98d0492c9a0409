"""A small set of sounds that are easy to classify."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stethoscope.classification.options import ClassFit
from stethoscope.datasets.clips import Clip
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.sound.feature import Feature
from stethoscope.sound.logmel import LogMel

SMALL = ClassFit(
    filters=(8, 16),
    epochs=15,
    batch_size=8,
    learning_rate=0.02,
    validation_split=0.0,
    mixup=0.0,
    verbose=0,
)


def store_of(
    folder: Path,
    classes: Sequence[str] = ("cat", "dog", "rain"),
    *,
    recordings: int = 6,
    feature: Feature | None = None,
) -> FeatureStore:
    """Return a store in which each class is loud in four bands of its own.

    A recording has two clips; the recordings of a class lie in folds 1, 2, 3, 1, and so on.
    """
    rng = np.random.default_rng(0)
    with FeatureWriter(folder) as writer:
        for place, label in enumerate(classes):
            for number in range(recordings):
                for part in range(2):
                    frames = rng.normal(-60, 5, (20 + 4 * part, 12))
                    frames[:, 4 * place : 4 * place + 4] += 20
                    name = f"{label}{number}"
                    clip = Clip(
                        path=f"{name}-{part}.wav",
                        recording=name,
                        label=label,
                        fold=1 + number % 3,
                        source="set",
                    )
                    writer.add(clip, frames.astype(np.float32))
        writer.finish(feature or LogMel(sample_rate=16_000, n_mels=12))
    return FeatureStore.open(folder)


def labels_of(store: FeatureStore) -> list[str]:
    return [clip.label for clip in store.clips]
