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
from stethoscope.detection.pooled.fit import PooledGmm, session_shift, view_weights
from stethoscope.detection.pooled.score import PooledScorer
from stethoscope.detection.thresholds import fit_thresholds
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
    trained = [
        scorer.score(np.array(store.clip_frames(i)), store.clips[i].machine)
        for i in training_clips(store)
    ]
    assert np.mean(trained) < detector.out_of_fold_.mean()


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
            gaussians = fit_gaussians([other], np.array([0]), 1, least_deviation=0.05)
            own = views[clip][view].astype(np.float32)
            level = detector.pooling.log_distance(view, own, gaussians, 0)
            z.append((level - model.centre[row, 0]) / model.scale[row])
        # Both kinds of folds are the same with two recordings: there is no shift to add.
        assert detector.out_of_fold_[clip] == pytest.approx(np.dot(z, model.weights), rel=1e-6)


def drifting(store: FeatureStore) -> FeatureStore:
    """Return the store with a spectrum that tilts from clip to clip, as over many days."""
    frames = np.array(store.frames)
    for number, first in enumerate(store.first_frame):
        clip = frames[first : first + store.n_frames[number]]
        clip += 0.1 * number * np.linspace(-1, 1, store.feature.size)
    return dataclasses.replace(store, frames=frames)


def test_the_shift_between_sessions_counts_twice(make_store: MakeStore) -> None:
    """Scores with neighbours left out are computed again; those with clips dealt out average 0."""
    store = drifting(make_store({"fan/00": 12}))
    detector = fitted(store)
    model = detector.models_["fan"]
    rate = store.feature.sample_rate / store.feature.hop_length
    clips = [
        {
            view: segments.astype(np.float32)
            for view, segments in detector.pooling(np.array(store.clip_frames(i)), rate).items()
        }
        for i in range(12)
    ]
    order = list(range(12))  # as the recordings are numbered
    expected = np.empty(12)
    for third in (order[:4], order[4:8], order[8:]):
        others = [i for i in order if i not in third]
        z = np.empty((5, 4))
        for row, view in enumerate(detector.pooling.views):
            gaussians = fit_gaussians(
                [clips[i][view] for i in others], np.zeros(8, dtype=int), 1, least_deviation=0.05
            )
            levels = [
                detector.pooling.log_distance(view, clips[i][view], gaussians, 0) for i in third
            ]
            z[row] = (np.array(levels) - model.centre[row, 0]) / model.scale[row]
        expected[third] = model.weights @ z
    assert expected.mean() > 0.1
    assert detector.out_of_fold_ is not None
    np.testing.assert_allclose(detector.out_of_fold_, expected + expected.mean(), rtol=1e-6)


def test_scores_behind_thresholds_are_of_known_sessions_that_were_left_out(
    make_store: MakeStore,
) -> None:
    """Four clips in two sessions: each is scored by Gaussians of the other session, and no shift
    is added.
    """
    store = drifting(make_store({"fan/00": 4}))
    sessions = ["mon", "tue", "tue", "mon"]
    named = [
        dataclasses.replace(clip, session=session)
        for clip, session in zip(store.clips, sessions, strict=True)
    ]
    store = dataclasses.replace(store, clips=named)
    detector = fitted(store)
    model = detector.models_["fan"]
    rate = store.feature.sample_rate / store.feature.hop_length
    views = [
        {view: segments.astype(np.float32) for view, segments in pooled.items()}
        for pooled in (detector.pooling(np.array(store.clip_frames(i)), rate) for i in range(4))
    ]
    assert detector.out_of_fold_ is not None
    for clip, others in ((0, (1, 2)), (1, (0, 3)), (2, (0, 3)), (3, (1, 2))):
        z = []
        for row, view in enumerate(detector.pooling.views):
            gaussians = fit_gaussians(
                [views[i][view] for i in others], np.zeros(2, dtype=int), 1, least_deviation=0.05
            )
            level = detector.pooling.log_distance(view, views[clip][view], gaussians, 0)
            z.append((level - model.centre[row, 0]) / model.scale[row])
        assert detector.out_of_fold_[clip] == pytest.approx(np.dot(z, model.weights), rel=1e-6)
    assert detector.out_of_fold_.mean() == pytest.approx(0, abs=1e-9)


def test_a_shift_below_zero_is_not_counted() -> None:
    assert session_shift(np.array([1.0, 3.0]), np.array([0.0, 1.0])) == 1.5
    assert session_shift(np.array([0.0, 1.0]), np.array([1.0, 3.0])) == 0.0


def false_alarms(store: FeatureStore, change: Callable[[np.ndarray], np.ndarray]) -> list[bool]:
    """Return the decisions on the normal test clips of a store, changed before they are scored."""
    detector = fitted(store)
    assert detector.out_of_fold_ is not None
    by_machine: dict[str, list[float]] = {}
    for index, score in zip(training_clips(store), detector.out_of_fold_, strict=True):
        by_machine.setdefault(store.clips[index].machine, []).append(float(score))
    thresholds = fit_thresholds(by_machine, {})
    scorer = scorer_of(detector)
    normal = store.where(lambda clip: clip.split == "test" and clip.condition == "normal")
    return [
        thresholds.decide(
            scorer.score(change(np.array(store.clip_frames(i))), store.clips[i].machine),
            store.clips[i].machine,
        )
        for i in normal
    ]


def test_a_gain_changes_no_decision(make_store: MakeStore) -> None:
    store = make_store({"fan/00": 40, "fan/02": 40}, anomalies=20)
    as_is = false_alarms(store, lambda frames: frames)
    assert sum(as_is) <= 10
    for gain in (-12, 12):
        assert false_alarms(store, lambda frames, gain=gain: frames + np.float32(gain)) == as_is


@pytest.mark.parametrize("seconds", [5.0, 3.0, 1.0])
def test_short_clips_are_not_all_alarms(make_store: MakeStore, seconds: float) -> None:
    store = make_store({"fan/00": 40, "fan/02": 40}, anomalies=30, n_frames=313)
    length = round(seconds * 31.25)
    short = false_alarms(store, lambda frames: frames[100 : 100 + length])
    assert np.mean(short) <= 0.35  # without offsets .50, .87, .98


def test_offsets_grow_as_clips_get_shorter(make_store: MakeStore) -> None:
    detector = fitted(make_store({"fan/00": 20}, n_frames=320))
    lengths = detector.models_["fan"].lengths
    assert lengths.frames.tolist() == [40, 80, 160, 320]
    assert (np.diff(lengths.offsets) < 0).all()
    assert lengths.offsets[-1] == 0


def test_very_short_clips_have_no_shorter_lengths(make_store: MakeStore) -> None:
    detector = fitted(make_store({"fan/00": 4}, n_frames=4))
    assert detector.models_["fan"].lengths.frames.tolist() == [4]


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
