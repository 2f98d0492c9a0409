from pathlib import Path

import pytest

from stethoscope.detection.identity.fit import IdClassifier
from stethoscope.detection.train import train_detector
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore


def test_features_without_samples_are_refused(two_types: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="hold no samples, which id-classifier needs"):
        train_detector(
            FeatureStore.open(two_types),
            IdClassifier(epochs=1),
            tmp_path / "model",
            validation_split=0.3,
            seed=0,
        )
