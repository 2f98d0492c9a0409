from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stethoscope.detection.load import load_scorer
from stethoscope.detection.pooled.first_version import FirstPooling
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.pooled.score import NO_OFFSETS, LengthOffsets, PooledScorer
from stethoscope.detection.train import train_detector
from stethoscope.errors import ModelError
from stethoscope.features.store import FeatureStore
from tests.detection.pooled.fitted import fitted, scorer_of

MakeStore = Callable[..., FeatureStore]


def test_an_unknown_id_has_the_lowest_score_of_all_ids(make_store: MakeStore) -> None:
    store = make_store({"fan/00": 5, "fan/02": 5})
    scorer = scorer_of(fitted(store))
    frames = np.array(store.clip_frames(7))
    known = [scorer.score(frames, "fan/00"), scorer.score(frames, "fan/02")]
    assert known[1] < known[0]
    for machine in ("fan/", "fan/77"):
        assert scorer.score(frames, machine) == min(known)
        np.testing.assert_array_equal(
            scorer.deviation(frames, machine), scorer.deviation(frames, "fan/02")
        )
    with pytest.raises(ModelError, match="machine type 'pump' is not among those trained on: fan"):
        scorer.score(frames, "pump/00")


def test_deviation_is_in_units_of_the_variance_of_normal_frames(make_store: MakeStore) -> None:
    store = make_store({"fan/00": 5, "fan/02": 5})
    normal = np.concatenate([store.clip_frames(i) for i in range(5)]).astype(float)
    frames = np.array(store.clip_frames(7))
    expected = (frames - normal.mean(axis=0)) ** 2 / normal.var(axis=0)
    np.testing.assert_allclose(
        scorer_of(fitted(store)).deviation(frames, "fan/00"), expected, rtol=1e-4
    )


def test_the_pooling_is_read_from_the_model(fan_store: Path, tmp_path: Path) -> None:
    store = FeatureStore.open(fan_store)
    train_detector(store, PooledGmm(), tmp_path / "model", validation_split=0.0, seed=0)
    frames = np.array(store.clip_frames(0))
    scorer = load_scorer(tmp_path / "model")
    text = (tmp_path / "model/model.json").read_text()
    assert '"event_order": 0.7' in text
    (tmp_path / "model/model.json").write_text(
        text.replace('"event_order": 0.7', '"event_order": 0.9')
    )
    assert load_scorer(tmp_path / "model").score(frames, "fan/00") != scorer.score(frames, "fan/00")


def test_offsets_are_interpolated_over_the_logarithm_of_the_length() -> None:
    lengths = LengthOffsets(np.array([40.0, 80.0, 320.0]), np.array([2.0, 1.0, 0.0]))
    offsets = lengths.of(np.array([10, 40, 160, 320, 1000]))
    np.testing.assert_allclose(offsets, [2.0, 2.0, 0.5, 0.0, 0.0], atol=1e-12)


def test_a_short_clips_offset_is_subtracted(make_store: MakeStore) -> None:
    store = make_store({"fan/00": 9})
    detector = fitted(store)
    model = detector.models_["fan"]
    frames = np.array(store.clip_frames(3))[: store.n_frames[3] // 2]
    without = replace(model, lengths=NO_OFFSETS)
    rate = store.feature.sample_rate / store.feature.hop_length
    score, _ = model.score(frames, rate, detector.pooling, "00")
    raw, _ = without.score(frames, rate, detector.pooling, "00")
    assert score == pytest.approx(raw - model.lengths.of(len(frames)))
    assert model.lengths.of(len(frames)) > 0


def test_a_model_of_an_unknown_recipe_is_refused(fan_store: Path, tmp_path: Path) -> None:
    store = FeatureStore.open(fan_store)
    train_detector(store, PooledGmm(), tmp_path / "model", validation_split=0.0, seed=0)
    path = tmp_path / "model/model.json"
    path.write_text(path.read_text().replace('"recipe": 2', '"recipe": 3'))
    with pytest.raises(ModelError, match="recipe 3 of pooled-gmm, this version reads 1, 2"):
        load_scorer(tmp_path / "model")


def test_a_model_of_the_first_version_is_read_with_its_pooling() -> None:
    folder = Path(__file__).parents[2] / "bundle/data/schema_1/bundle/models/detector"
    scorer = load_scorer(folder)
    assert isinstance(scorer, PooledScorer)
    assert scorer.pooling == FirstPooling()
    assert scorer.models["fan"].lengths == NO_OFFSETS
