from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stethoscope.detection.load import load_scorer
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.pooled.score import vote
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
    assert '"event_order": 0.5' in text
    (tmp_path / "model/model.json").write_text(
        text.replace('"event_order": 0.5', '"event_order": 0.9')
    )
    assert load_scorer(tmp_path / "model").score(frames, "fan/00") != scorer.score(frames, "fan/00")


def test_one_high_view_outvotes_the_others() -> None:
    z = np.array([[0.0, 0.0], [0.0, 900.0]])
    np.testing.assert_allclose(vote(z, np.array([0.75, 0.25])), [0.0, 900 + np.log(0.25)])
