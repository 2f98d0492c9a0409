"""A bundle that tests may alter, and the recordings that belong to it."""

import shutil
import zipfile
from pathlib import Path

import pytest

from stethoscope.bundle.manifest import update_manifest

OLD_BUNDLE = Path(__file__).with_name("data") / "schema_1" / "bundle"


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


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of a bundle of schema 1, whose manifest has no digest of its own."""
    return Path(shutil.copytree(OLD_BUNDLE, tmp_path / "old"))


@pytest.fixture
def sealed(old: Path) -> Path:
    """The same bundle as this version writes it."""
    update_manifest(old, name="sealed")
    return old
