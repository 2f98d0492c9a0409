"""Exported C of each kind of model."""

import ctypes
import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from stethoscope.bundle.build import export_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.classification.options import ClassFit
from stethoscope.classification.train import train_classifier
from stethoscope.datasets.layouts import index
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.train import train_detector
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from tests.edge.c_tools import export_in_a_fresh_process, load_library, require
from tests.edge.clips import FEATURES, RATE, sound


@pytest.fixture(scope="session")
def c_folder(beep_parts: Path) -> Path:
    """The C of the detector of beeps."""
    return beep_parts / "bundle" / "c"


@pytest.fixture(scope="session")
def loaded(c_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The C of the detector of beeps, as a library."""
    return load_library(c_folder, tmp_path_factory.mktemp("library") / "model.so")


@pytest.fixture(scope="session")
def edge_bundle(
    fan_bundle: Path, fan_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The bundle of the simulated fans with an int8 autoencoder in it, and its C in the folder `c`
    beside it.
    """
    folder = tmp_path_factory.mktemp("edge")
    shutil.copytree(fan_bundle, folder / "bundle")
    options = ("--recordings", fan_archive, "--machine", "fan/00", "--max-drop", "0.2")
    export_in_a_fresh_process(folder / "bundle", folder / "c", *options)
    return folder / "bundle"


@pytest.fixture(scope="session")
def c_anomaly(edge_bundle: Path) -> Path:
    """The C of the detector of fans."""
    return edge_bundle.parent / "c"


@pytest.fixture(scope="session")
def pooled_bundle(fan_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle of the default detector of the simulated fans."""
    folder = tmp_path_factory.mktemp("pooled")
    store = FeatureStore.open(fan_store)
    train_detector(store, PooledGmm(), folder / "model", validation_split=0.25, seed=0)
    evaluate_detector(fan_store, folder / "model", folder / "results")
    return export_bundle(folder / "model", folder / "results", folder / "bundle")


@pytest.fixture(scope="session")
def c_pooled(pooled_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C of the default detector, for one of the fans."""
    folder = tmp_path_factory.mktemp("c_pooled") / "c"
    export_in_a_fresh_process(pooled_bundle.folder, folder, "--machine", "fan/00")
    return folder


@pytest.fixture(scope="session")
def make_classifier(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make the folder of a network once, however many tests ask for it, and in whichever order."""
    return functools.cache(
        lambda network: classifier_in(tmp_path_factory.mktemp("classes"), network)
    )


@pytest.fixture(params=sorted(FEATURES))
def made(request: pytest.FixtureRequest, make_classifier: Callable[[str], Path]) -> Path:
    """A folder with recordings, a model and its C."""
    return make_classifier(request.param)


def classifier_in(folder: Path, network: str) -> Path:
    """Record sounds, train a classifier on them and export it to C."""
    require("gcc")
    for label in ("tone", "hiss"):
        (folder / "recordings" / label).mkdir(parents=True)
        for number in range(6):
            samples = sound(label, number, 1.0 + 0.1 * number)
            soundfile.write(
                folder / "recordings" / label / f"{label}{number}.wav",
                samples,
                RATE,
                subtype="PCM_16",
            )
    table = index([folder / "recordings"], "folders")
    store = extract_features(
        [folder / "recordings"], table, FEATURES[network], folder / "store", min_frames=1
    )
    fit = ClassFit(
        network=network,
        filters=(6, 8),
        epochs=12,
        batch_size=4,
        learning_rate=0.02,
        validation_split=0.0,
        mixup=0.0,
        verbose=0,
    )
    train_classifier(store, [clip.label for clip in store.clips], fit, folder / "model")
    options = ("--recordings", folder / "recordings", "--layout", "folders", "--max-drop", "0.1")
    export_in_a_fresh_process(folder / "model", folder / "c", *options)
    return folder
