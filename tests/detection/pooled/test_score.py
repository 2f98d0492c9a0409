from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stethoscope.detection.load import load_scorer
from stethoscope.detection.pooled.courses import Courses
from stethoscope.detection.pooled.first_version import FirstPooling
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.pooled.gradient import mean_frames_gradient
from stethoscope.detection.pooled.score import NO_OFFSETS, LengthOffsets, PooledScorer
from stethoscope.detection.scorer import Scorer
from stethoscope.detection.train import train_detector
from stethoscope.errors import ModelError
from stethoscope.features.store import FeatureStore
from tests.detection.pooled.fitted import fitted, scorer_of

MakeStore = Callable[..., FeatureStore]
FIRST = Path(__file__).parents[2] / "bundle/data/schema_1/bundle/models/detector"


def test_an_unknown_id_has_the_lowest_score_of_all_ids(make_store: MakeStore) -> None:
    store = make_store({"fan/00": 5, "fan/02": 5})
    scorer = scorer_of(fitted(store))
    frames = np.array(store.clip_frames(7))
    known = [scorer.score(frames, "fan/00"), scorer.score(frames, "fan/02")]
    assert known[1] < known[0]
    for machine in ("fan/", "fan/77"):
        assert scorer.score(frames, machine) == min(known)
        np.testing.assert_array_equal(
            scorer.evidence(frames, machine).values, scorer.evidence(frames, "fan/02").values
        )
    with pytest.raises(ModelError, match="machine type 'pump' is not among those trained on: fan"):
        scorer.score(frames, "pump/00")


@pytest.mark.parametrize("length", [320, 101, 4])
@pytest.mark.parametrize("version", ["first", "today's"])
def test_the_gradient_is_that_of_differences_of_scores(
    version: str, length: int, make_store: MakeStore
) -> None:
    rng = np.random.default_rng(length)
    frames = rng.normal(-30, 6, (length, 128 if version == "first" else 12))
    scorer: Scorer = scorer_of(fitted(make_store({"fan/00": 9, "fan/02": 9})))
    if version == "first":
        scorer = load_scorer(FIRST)
        frames = frames[:, : scorer.feature.n_mels]
    assert isinstance(scorer, PooledScorer)
    model, rate = scorer.models["fan"], scorer.feature.sample_rate / scorer.feature.hop_length
    clip = Courses.of(frames, rate, scorer.pooling.bands)
    gradient = mean_frames_gradient([model._gradient(clip, scorer.pooling, 0)])
    for _ in range(3):
        direction = rng.normal(size=frames.shape) * (rng.random(frames.shape) < 0.3)
        up, down = (
            model._score_as(scorer.pooling(frames + step * direction, rate), scorer.pooling, 0)
            for step in (1e-5, -1e-5)
        )
        assert (gradient * direction).sum() == pytest.approx((up - down) / 2e-5, rel=1e-3)


def test_contributions_add_up_to_the_scores(make_store: MakeStore) -> None:
    """Those of the views to the score, those of places to how much a usual clip scores lower."""
    store = make_store({"fan/00": 9, "fan/02": 9})
    scorer = scorer_of(fitted(store))
    frames = np.array(store.clip_frames(3))
    frames[:, 2:4] += 12.0
    for known in (scorer, load_scorer(FIRST)):
        assert isinstance(known, PooledScorer)
        given = np.resize(frames, (len(frames), known.feature.n_mels))
        model, evidence = known.models["fan"], known.evidence(given, "fan/00")
        usual = known.score(model.spectra.as_usual(given, 0), "fan/00")
        assert evidence.values.sum() == pytest.approx(evidence.score - usual, rel=0.1)
        offset = float(model.lengths.of(len(given)))
        assert sum(evidence.parts.values()) == pytest.approx(evidence.score + offset, rel=1e-3)
        assert tuple(evidence.parts) == known.pooling.views


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
    scorer = load_scorer(FIRST)
    assert isinstance(scorer, PooledScorer)
    assert scorer.pooling == FirstPooling()
    assert scorer.models["fan"].lengths == NO_OFFSETS
