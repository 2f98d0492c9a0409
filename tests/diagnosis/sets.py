"""A small set of machines with faults that are easy to distinguish."""

from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

from stethoscope.classification.options import ClassFit
from stethoscope.datasets.clips import Clip
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.sound.mfcc import Mfcc

FAULTS = {"a": (6, 0, 0, 0), "b": (0, 6, 0, 0), "c": (0, 0, 6, 6)}
COUNTS = {"a": 6, "b": 5, "c": 4}
SMALL = ClassFit(
    network="mfcc-cnn",
    filters=(8,),
    window=10,
    dropout=0.0,
    epochs=30,
    patience=30,
    batch_size=8,
    learning_rate=0.02,
    validation_split=0.2,
    shift=False,
    mask=0.0,
    mixup=0.0,
    verbose=0,
)


def made(
    folder: Path, *, machines: int = 2, normal: int = 3, counts: dict[str, int] = COUNTS
) -> FeatureStore:
    """Return a store of machines far apart, each with normal clips and three faults that shift a
    coefficient or two.
    """
    rng = np.random.default_rng(0)
    with FeatureWriter(folder) as writer:
        for machine in range(machines):
            own = np.full(4, 100.0 * machine) + rng.normal(size=4)
            conditions = ["normal"] * normal + [
                fault for fault, count in counts.items() for _ in range(count)
            ]
            for number, name in enumerate(conditions):
                shift = np.array(FAULTS.get(name, (0, 0, 0, 0)))
                clip = Clip(
                    path=f"{machine}/{number}.wav",
                    recording=f"{machine}/{number}",
                    machine_type="fan",
                    machine_id=f"{machine:02d}",
                    condition="normal" if name == "normal" else "anomaly",
                    label=name,
                    source="set.zip",
                )
                writer.add(clip, (own + shift + 0.2 * rng.normal(size=(10, 4))).astype(np.float32))
        writer.finish(Mfcc(sample_rate=16_000, n_mfcc=4))
    return FeatureStore.open(folder)


def agreement(store: FeatureStore, found: FaultGroups) -> float:
    truth = {clip.path: clip.label for clip in store.clips}
    return float(
        adjusted_rand_score(
            [truth[one.path] for one in found.clips], [one.group for one in found.clips]
        )
    )
