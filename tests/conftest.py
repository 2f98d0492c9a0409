"""What tests of several rooms share."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings

from stethoscope.bundle.build import export_bundle
from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel
from tests.sounds import beeps

pytest_plugins = ["tests.kubeflow.fixtures", "tests.report.fixtures"]


# The time of one example says more about the machine's load than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TRAINED = {
    "beep_parts",
    "diagnosing_bundle",
    "edge_bundle",
    "fan_bundle",
    "fan_model",
    "fan_results",
    "make_classifier",
    "model",
    "trained",
}
"""Fixtures that train a network."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a trained network as slow: `make quick` leaves them out."""
    for item in items:
        if TRAINED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings beside the project; tests that need them are skipped where it is
    absent.
    """
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real recordings: {folder} is absent")
    return folder


@pytest.fixture(scope="session")
def fan_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated set: two fans, eight normal training clips, three normal and three
    anomalous test clips each, of 1 s.
    """
    path = tmp_path_factory.mktemp("archive") / "fan.zip"
    simulate_archive(
        path, machine="fan", ids=2, train_clips=8, test_normal=3, test_anomaly=3, seconds=1.0
    )
    return path


@pytest.fixture(scope="session")
def fan_store(fan_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its feature store, with 32 mel bands."""
    folder = tmp_path_factory.mktemp("store")
    extract_features([fan_archive], index([fan_archive]), LogMel(n_mels=32), folder, min_frames=5)
    return folder


@pytest.fixture(scope="session")
def fan_model(fan_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An autoencoder fitted to it for two epochs."""
    from stethoscope.detection.autoencoder.fit import Autoencoder
    from stethoscope.detection.options import FitOptions
    from stethoscope.detection.train import train_detector

    folder = tmp_path_factory.mktemp("model") / "model"
    detector = Autoencoder(fit_options=FitOptions(epochs=2, batch_size=64, verbose=0))
    train_detector(FeatureStore.open(fan_store), detector, folder, validation_split=0.25, seed=0)
    return folder


@pytest.fixture(scope="session")
def fan_results(fan_store: Path, fan_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its evaluation."""
    folder = tmp_path_factory.mktemp("results") / "results"
    evaluate_detector(fan_store, fan_model, folder)
    return folder


@pytest.fixture(scope="session")
def fan_bundle(
    fan_model: Path, fan_results: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Its bundle. Tests that alter it work on a copy."""
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    export_bundle(fan_model, fan_results, folder)
    return folder


@pytest.fixture(scope="session")
def diagnosed_fans(fan_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the steps of the diagnosis make of it, in cepstra, groups, model and results."""
    from stethoscope.diagnosis.clips import clips_to_compare
    from stethoscope.diagnosis.evaluate import evaluate_diagnosis
    from stethoscope.diagnosis.grouping import find_groups
    from stethoscope.diagnosis.options import FaultOptions
    from stethoscope.diagnosis.train import fit_diagnosis
    from stethoscope.sound.mfcc import Mfcc
    from tests.diagnosis.sets import SMALL

    folder = tmp_path_factory.mktemp("diagnosis")
    store, groups, model = folder / "cepstra", folder / "groups", folder / "model"
    options = FaultOptions(groups=2)
    fit = replace(SMALL, epochs=2)
    extract_features([fan_archive], clips_to_compare(index([fan_archive])), Mfcc(), store)
    find_groups(store, options, groups)
    fit_diagnosis(store, groups, fit, model, test_split=0.34)
    evaluate_diagnosis(store, groups, model, folder / "results")
    return folder


@pytest.fixture(scope="session")
def diagnosing_bundle(
    fan_model: Path,
    fan_results: Path,
    diagnosed_fans: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A bundle of detector and diagnosis, by whose thresholds more than half of all clips are
    anomalous.
    """
    from stethoscope.bundle.edit import set_thresholds

    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    model, results = diagnosed_fans / "model", diagnosed_fans / "results"
    bundle = export_bundle(fan_model, fan_results, folder, diagnosis=model, diagnosed=results)
    set_thresholds(bundle, bundle.thresholds.with_false_alarm_rate(0.6))
    return folder


@pytest.fixture
def diagnosing_copy(diagnosing_bundle: Path, tmp_path: Path) -> Path:
    """A copy of it, to be altered."""
    return Path(shutil.copytree(diagnosing_bundle, tmp_path / "copy"))


@pytest.fixture(scope="session")
def beep_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight recordings of 12 s with labelled beeps."""
    folder = tmp_path_factory.mktemp("set") / "beeps"
    for seed in range(8):
        beeps(folder, f"{seed:02d}", seed)
    return folder


@pytest.fixture(scope="session")
def beep_parts(beep_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the steps of the pipeline make of them: clips.csv, store, model, results and bundle."""
    from stethoscope.datasets.audacity import recordings_of
    from stethoscope.datasets.clips import write_clips
    from stethoscope.datasets.layouts import index
    from stethoscope.edge.events import export_events
    from stethoscope.events.evaluate import evaluate_events
    from stethoscope.events.options import TEACHING, EventFit
    from stethoscope.events.train import train_events
    from stethoscope.features.extract import extract_features
    from stethoscope.sound.bands import BandSpectrum

    folder = tmp_path_factory.mktemp("beeps")
    table = index([beep_folder])
    write_clips(folder / "clips.csv", table)
    store = extract_features(
        [beep_folder], recordings_of(table), BandSpectrum(), folder / "store", min_frames=32
    )
    fit = EventFit(**TEACHING, epochs=6, batch_size=32)
    train_events(store, table, fit, folder / "model")
    evaluate_events(folder / "store", folder / "clips.csv", folder / "model", folder / "results")
    export_events(folder / "model", folder / "results", folder / "bundle", max_drop=0.05)
    return folder
