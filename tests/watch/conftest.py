"""A small bundle without a network, its recordings, and a history."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stethoscope.bundle.build import export_bundle
from stethoscope.detection.detector import make_detector
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.train import train_detector
from stethoscope.features.store import FeatureStore
from stethoscope.watch.history import Entry, History


@pytest.fixture(scope="session")
def quick_bundle(fan_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the default detector, which is fitted in a moment."""
    folder = tmp_path_factory.mktemp("watched")
    detector = make_detector(DetectorOptions(), FitOptions())
    train_detector(
        FeatureStore.open(fan_store), detector, folder / "model", validation_split=0.25, seed=0
    )
    evaluate_detector(fan_store, folder / "model", folder / "results")
    export_bundle(folder / "model", folder / "results", folder / "bundle")
    return folder / "bundle"


@pytest.fixture(scope="session")
def fan_clips(fan_archive: Path) -> dict[str, bytes]:
    """The recordings of the fans by name."""
    with zipfile.ZipFile(fan_archive) as archive:
        names = [name for name in archive.namelist() if name.endswith(".wav")]
        return {
            Path(name).parent.name + "_" + Path(name).name: archive.read(name) for name in names
        }


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History(tmp_path / "history.sqlite") as opened:
        opened._db.execute("pragma synchronous = off")  # no power is cut here
        yield opened


def judged(
    number: int, *, anomaly: bool, machine: str = "fan/00", at: float | None = None
) -> Entry:
    """An entry of a recording that was judged."""
    return Entry(
        key=(f"{number:06d}.wav", 32_044, number),
        recorded_at=1_770_000_000.0 + 600.0 * number if at is None else at,
        judged_at=1_770_000_000.0 + 600.0 * number,
        machine=machine,
        state="judged",
        anomaly=anomaly,
        score=2.5 if anomaly else 0.5,
        threshold=1.5,
        message="Anomaly" if anomaly else "Component OK",
        model="fan",
    )
