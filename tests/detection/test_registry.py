"""Behaviour that all detectors have in common."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stethoscope.bundle.build import export_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.detection.detector import Detector, make_detector
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.load import load_scorer
from stethoscope.detection.normal_scores import score_clips
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.registry import DETECTORS
from stethoscope.detection.scorer import Scorer
from stethoscope.detection.scores import read_scores
from stethoscope.detection.train import train_detector
from stethoscope.errors import ModelError
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json

WAYS = [(name, detector.scores[-1]) for name, detector in DETECTORS.items()]


@pytest.fixture(scope="module", params=WAYS, ids=["-".join(way) for way in WAYS])
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Name of a detector and how it scores."""
    chosen: tuple[str, str] = request.param
    return chosen


@pytest.fixture(scope="module")
def features(way: tuple[str, str], two_types: Path, two_types_sampled: Path) -> Path:
    """A feature store with what the detector needs."""
    return two_types_sampled if DETECTORS[way[0]].samples else two_types


@pytest.fixture(scope="module")
def model(way: tuple[str, str], features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of every detector, fitted for an epoch on two machine types."""
    name, score = way
    options = DetectorOptions(
        name=name, score=score, members=("pooled-gmm", "interpolation"), epochs=1
    )
    fit = FitOptions(epochs=1, batch_size=64, verbose=0, validation_split=0.3)
    folder = tmp_path_factory.mktemp("model") / "model"
    train_detector(
        FeatureStore.open(features),
        make_detector(options, fit),
        folder,
        validation_split=0.3,
        seed=0,
    )
    return folder


def test_scores_are_the_same_from_model_bundle_and_another_process(
    model: Path, features: Path, tmp_path: Path
) -> None:
    """The other process has nothing of what only training needs."""
    store = FeatureStore.open(features)
    evaluate_detector(features, model, tmp_path / "results")
    test = store.where(lambda clip: clip.split == "test")
    scores = [clip.score for clip in read_scores(tmp_path / "results/scores.csv")]
    assert scores == pytest.approx(score_clips(model, store, test), rel=1e-5)
    bundle = export_bundle(model, tmp_path / "results", tmp_path / "bundle")
    inference = Inference(Bundle.open(bundle.folder))
    assert [
        inference.decide(np.array(store.clip_frames(i)), store.clips[i].machine).score for i in test
    ] == pytest.approx(scores, rel=1e-5)
    program = """
import sys
for name in ("tensorflow", "keras", "librosa", "sklearn", "scipy", "matplotlib", "kfp"):
    sys.modules[name] = None
from stethoscope.bundle.bundle import Bundle
from stethoscope.features.store import FeatureStore
store, bundle = FeatureStore.open(sys.argv[1]), Bundle.open(sys.argv[2])
for index, clip in enumerate(store.clips):
    if clip.split == "test":
        print(bundle.detector.score(store.clip_frames(index), clip.machine))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(features), str(bundle.folder)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert list(map(float, done.stdout.split())) == pytest.approx(scores, rel=1e-5)


def test_no_pickle_is_written(model: Path) -> None:
    assert {path.suffix for path in model.rglob("*") if path.is_file()} <= {
        ".json",
        ".csv",
        ".npz",
        ".keras",
        ".tflite",
    }
    for path in model.rglob("*.npz"):
        with np.load(path, allow_pickle=False) as numbers:
            assert all(np.isfinite(numbers[name]).all() for name in numbers.files)


def training_class_of(model: Path) -> type[Detector]:
    """Return the class that made a model folder."""
    kind = read_json(model / "model.json")["kind"]
    return DETECTORS[kind].import_training_class()


@pytest.fixture
def scorer(model: Path) -> Scorer:
    return load_scorer(model)


def test_every_machine_has_a_threshold_from_clips_not_trained_on(
    model: Path, features: Path, tmp_path: Path
) -> None:
    evaluate_detector(features, model, tmp_path / "results")
    thresholds = read_json(tmp_path / "results/thresholds.json")
    assert list(thresholds["machines"]) == ["fan/00", "fan/02", "pump/00"]
    counts = {machine: len(scores) for machine, scores in thresholds["held_out"].items()}
    assert set(counts.values()) == {6 if training_class_of(model).cross_fits else 2}


def test_evidence_has_the_score_and_the_shape_of_the_clip(scorer: Scorer, features: Path) -> None:
    frames = np.array(FeatureStore.open(features).clip_frames(0))
    evidence = scorer.evidence(frames, "fan/00")
    assert evidence.score == pytest.approx(scorer.score(frames, "fan/00"), rel=1e-5)
    assert evidence.values.shape == (len(frames), 12)
    assert evidence.values.dtype == np.float32
    assert np.isfinite(evidence.values).all()
    assert evidence.values.any(axis=0).all()


def test_evidence_is_strongest_where_a_clip_was_changed(scorer: Scorer, features: Path) -> None:
    """A loud sound in a few bands of a training clip."""
    frames = np.array(FeatureStore.open(features).clip_frames(0))
    frames[:, 6:9] += 25.0
    evidence = scorer.evidence(frames, "fan/00")
    by_band = evidence.values.sum(axis=0)
    if scorer.kind == "pooled-gmm":  # in one epoch, networks learn too little
        assert 5 <= int(by_band.argmax()) <= 9


def test_an_unknown_id_is_scored_and_an_unknown_type_refused(
    scorer: Scorer, features: Path
) -> None:
    frames = np.array(FeatureStore.open(features).clip_frames(0))
    known = [scorer.score(frames, machine) for machine in ("fan/00", "fan/02")]
    assert scorer.score(frames, "fan/") == scorer.score(frames, "fan/77") == min(known)
    assert scorer.evidence(frames, "fan/").score == pytest.approx(min(known), rel=1e-5)
    with pytest.raises(
        ModelError, match="machine type 'valve' is not among those trained on: fan, pump"
    ):
        scorer.score(frames, "valve/00")


def test_clips_of_other_lengths_are_scored(scorer: Scorer) -> None:
    rng = np.random.default_rng(0)
    for length in (scorer.min_frames, scorer.min_frames + 1, 200):
        frames = rng.normal(-30, 6, (length, scorer.feature.size)).astype(np.float32)
        assert np.isfinite(scorer.score(frames, "pump/00"))
        assert scorer.evidence(frames, "pump/00").values.shape == (length, 12)
