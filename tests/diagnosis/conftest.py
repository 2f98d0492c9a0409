"""What the tests of the diagnosis share."""

from pathlib import Path

import pytest

from stethoscope.diagnosis.grouping import group_faults
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.options import FaultOptions
from stethoscope.diagnosis.train import train_diagnosis
from stethoscope.features.store import FeatureStore
from tests.diagnosis.sets import SMALL, made


@pytest.fixture(scope="package")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> tuple[FeatureStore, FaultGroups]:
    """Two machines far apart, with three faults of eight clips each and eight normal clips."""
    store = made(tmp_path_factory.mktemp("store"), normal=8, counts={"a": 8, "b": 8, "c": 8})
    return store, group_faults(store, FaultOptions(groups=3))


@pytest.fixture(scope="package")
def trained(
    grouped: tuple[FeatureStore, FaultGroups], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of a diagnosis of them."""
    folder = tmp_path_factory.mktemp("diagnosis") / "model"
    train_diagnosis(*grouped, SMALL, folder, test_split=0.25)
    return folder
