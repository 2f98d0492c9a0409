"""A bundle that tests may alter, and the recordings that belong to it."""

import shutil
import zipfile
from pathlib import Path

import pytest


@pytest.fixture
def recordings(fan_archive: Path, tmp_path: Path) -> Path:
    """Folder of the fan's test clips."""
    with zipfile.ZipFile(fan_archive) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "fan" / "test"


@pytest.fixture
def copy(fan_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the fan's bundle."""
    return Path(shutil.copytree(fan_bundle, tmp_path / "copy"))
