import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stethoscope.bundle.build import export_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.detection.evaluate import evaluate_detector, normal_thresholds
from stethoscope.detection.gaussians import fit_gaussians
from stethoscope.detection.normal_scores import read_normal_scores, score_clips
from stethoscope.detection.pooled.fit import PooledGmm, view_weights
from stethoscope.detection.pooled.score import PooledScorer
from stethoscope.detection.train import train_detector
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.stats.roc import area_under_curve
from tests.detection.pooled.fitted import fitted, scorer_of, training_clips

MakeStore = Callable[..., FeatureStore]


def test_view_weights_equal_a_linear_discriminant() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((4, 400))
    z[1] = z[0]  # a copy: two views with the same content
    z[:] = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    effect = np.array([0.0, 0.0, 2.0, -5.0])
    weights = view_weights(z, effect, 400)
    believed = 0.5 * np.corrcoef(z) + 0.5 * np.eye(4)
    expected = np.linalg.inv(believed) @ [0.3, 0.3, 2.3, 0.3]
    np.testing.assert_allclose(weights, expected / expected.sum(), rtol=1e-9)
    assert weights[0] == pytest.approx(weights[1])
    assert weights[0] < weights[2]
    alone = view_weights(z, np.zeros(4), 400)
    assert alone[0] < alone[2]


def test_anomalies_score_higher_and_new_normal_clips_score_as_out_of_fold(
    make_store: MakeStore,
) -> None:
    store = make_store({"fan/00": 60, "fan/02": 60}, anomalies=20)
    detector = fitted(store)
    scorer = scorer_of(detector)
    test = store.where(lambda clip: clip.split == "test")
    scores = np.array(
        [scorer.score(np.array(store.clip_frames(i)), store.clips[i].machine) for i in test]
    )
    faulty = np.array([store.clips[i].condition == "anomaly" for i in test])
    assert area_under_curve(scores, faulty) > 0.99
    assert detector.out_of_fold_ is not None
    # Fresh normal clips are scored as those that a fold left out, not as those that were fitted.
    assert scores[~faulty].mean() == pytest.approx(detector.out_of_fold_.mean(), abs=0.5)
    scores = [
        scorer.score(np.array(store.clip_frames(i)), store.clips[i].machine)
        for i in training_clips(store)
    ]
    assert np.mean(scores) < detector.out_of_fold_.mean()


def test_out_of_fold_scores_are_those_of_a_model_without_the_clip(make_store: MakeStore) -> None:
    """With two recordings of each machine the folds are known: each is scored by Gaussians of the
    others.
    """
    store = make_store({"fan/00": 2})
    detector = fitted(store)
    model = detector.models_["fan"]
    rate = store.feature.sample_rate / store.feature.hop_length
    views = [detector.pooling(np.array(store.clip_frames(i)), rate) for i in (0, 1)]
    assert detector.out_of_fold_ is not None
    for clip in (0, 1):
        z = []
        for row, view in enumerate(views[0]):
            other = views[1 - clip][view].astype(np.float32)
            gaussians = fit_gaussians([other], np.array([0]), 1)
            level = gaussians.levels(views[clip][view].astype(np.float32), 0, 0.25)
            z.append((level - model.centre[row, 0]) / model.scale[row])
        assert detector.out_of_fold_[clip] == pytest.approx(
            np.log(np.exp(z) @ model.weights), rel=1e-6
        )


def test_each_machine_type_has_its_own_model(make_store: MakeStore) -> None:
    both = fitted(make_store({"fan/00": 4, "fan/02": 4, "pump/00": 5}))
    assert {name: model.ids for name, model in both.models_.items()} == {
        "fan": ("00", "02"),
        "pump": ("00",),
    }
    # Of the pump, the fans' folds are not drawn, so only numbers that do not depend on them are
    # compared.
    fans = fitted(make_store({"fan/00": 4, "fan/02": 4}))
    np.testing.assert_array_equal(
        both.models_["fan"].gaussians["mean"].means, fans.models_["fan"].gaussians["mean"].means
    )
    np.testing.assert_array_equal(
        both.models_["fan"].gaussians["steady"].precision,
        fans.models_["fan"].gaussians["steady"].precision,
    )


def test_out_of_fold_scores_come_in_the_order_of_the_clips(make_store: MakeStore) -> None:
    store = make_store({"pump/00": 4, "fan/00": 6})
    mixed = PooledGmm().fit(store, np.array([9, 0, 1, 5, 7, 2, 8, 3, 4, 6]), np.arange(0))
    np.testing.assert_array_equal(mixed.out_of_fold_, fitted(store).out_of_fold_)


def test_clips_of_one_recording_stay_in_one_fold(make_store: MakeStore) -> None:
    store = make_store({"fan/00": 6})
    recordings = ["a", "a", "b", "b", "c", "c"]
    clips = [
        dataclasses.replace(clip, recording=name)
        for clip, name in zip(store.clips, recordings, strict=True)
    ]
    twice = dataclasses.replace(
        store, clips=clips, first_frame=np.repeat(store.first_frame[::2], 2)
    )
    detector = fitted(twice)
    # The same frames stand in both clips of a recording: were they in different folds, each would
    # find itself.
    assert detector.out_of_fold_ is not None
    np.testing.assert_allclose(detector.out_of_fold_[::2], detector.out_of_fold_[1::2], rtol=1e-12)


@pytest.mark.parametrize("n_frames", [4, 10, 31, 32, 313])
def test_clips_of_any_length_and_silent_bands_work(make_store: MakeStore, n_frames: int) -> None:
    store = make_store({"fan/00": 3, "fan/02": 3}, n_frames=n_frames, silent=True)
    scorer = scorer_of(fitted(store))
    for length in (4, 5, 40, 100):
        frames = np.full((length, store.feature.size), -156.5, dtype=np.float32)
        assert np.isfinite(scorer.score(frames, "fan/00"))


def test_equal_clips_have_finite_scores(make_store: MakeStore) -> None:
    store = make_store({"fan/00": 4})
    same = dataclasses.replace(store, first_frame=np.zeros(4, dtype=np.int64))
    detector = fitted(same)
    assert np.isfinite(scorer_of(detector).score(np.array(store.clip_frames(0)), "fan/00"))
    assert np.isfinite(detector.out_of_fold_).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("machines", [{"fan/00": 1}, {"fan/00": 9, "fan/02": 1}])
def test_a_machine_with_one_recording_is_refused_by_name(
    make_store: MakeStore, machines: dict[str, int]
) -> None:
    with pytest.raises(
        DatasetError,
        match=r"fan/0[02] has only 1 normal recording to train on, detector pooled-gmm needs 2",
    ):
        fitted(make_store(machines))


def test_clips_without_a_rhythm_are_refused(make_store: MakeStore) -> None:
    with pytest.raises(DatasetError, match="a clip has 3 frames, pooled-gmm needs 4"):
        fitted(make_store({"fan/00": 3}, n_frames=3))


def test_scores_are_the_same_from_training_model_folder_and_bundle(
    fan_store: Path, tmp_path: Path
) -> None:
    store = FeatureStore.open(fan_store)
    detector = PooledGmm()
    training = train_detector(store, detector, tmp_path / "model", validation_split=0.25, seed=0)
    assert (training.clips, training.held_out) == (16, 16)
    test = store.where(lambda clip: clip.split == "test")
    fresh = PooledScorer(detector.models_, detector.pooling, store.feature)
    before = [fresh.score(np.array(store.clip_frames(i)), store.clips[i].machine) for i in test]
    assert score_clips(tmp_path / "model", store, test) == pytest.approx(before, rel=1e-9)

    evaluate_detector(fan_store, tmp_path / "model", tmp_path / "results")
    bundle = export_bundle(tmp_path / "model", tmp_path / "results", tmp_path / "bundle")
    assert not [
        path
        for path in (tmp_path / "bundle").rglob("*")
        if path.suffix in (".pkl", ".tflite", ".keras")
    ]
    inference = Inference(Bundle.open(bundle.folder))
    after = [
        inference.decide(np.array(store.clip_frames(i)), store.clips[i].machine).score for i in test
    ]
    assert after == pytest.approx(before, rel=1e-5)


def test_thresholds_use_every_normal_training_clip(fan_store: Path, tmp_path: Path) -> None:
    store = FeatureStore.open(fan_store)
    detector = PooledGmm()
    train_detector(store, detector, tmp_path / "model", validation_split=0.25, seed=0)
    scores = read_normal_scores(tmp_path / "model")
    assert detector.out_of_fold_ is not None
    assert not scores.trained
    assert sorted(s for values in scores.held_out.values() for s in values) == sorted(
        detector.out_of_fold_.tolist()
    )
    thresholds, warnings = normal_thresholds(tmp_path / "model", 0.1)
    assert not warnings
    assert {one.n_clips for one in thresholds.machines.values()} == {16}
