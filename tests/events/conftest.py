"""What several tests of the events room share."""

from pathlib import Path

import pytest

from stethoscope.datasets.clips import Clip, read_clips
from stethoscope.features.store import FeatureStore


@pytest.fixture
def store(beep_parts: Path) -> FeatureStore:
    """Band spectra of eight recordings with beeps."""
    return FeatureStore.open(beep_parts / "store")


@pytest.fixture
def table(beep_parts: Path) -> list[Clip]:
    """Their rows, and those of their labelled intervals."""
    return read_clips(beep_parts / "clips.csv")
