from pathlib import Path

import numpy as np
import pytest

from stethoscope.detection.load import load_scorer
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.pooled.score import PooledScorer
from stethoscope.detection.train import write_model
from stethoscope.errors import ModelError
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_json


@pytest.fixture
def model(two_types: Path, tmp_path: Path) -> Path:
    store = FeatureStore.open(two_types)
    clips = store.where(lambda clip: clip.split == "train")
    detector = PooledGmm().fit(store, clips, np.arange(0))
    write_model(tmp_path, detector, store, clips, np.arange(0))
    return tmp_path


def test_a_scorer_has_the_kind_and_feature_of_its_model(model: Path, two_types: Path) -> None:
    scorer = load_scorer(model)
    assert isinstance(scorer, PooledScorer)
    assert scorer.kind == "pooled-gmm"
    assert scorer.feature == FeatureStore.open(two_types).feature


def test_a_detector_that_this_version_does_not_know_is_refused(model: Path) -> None:
    write_json(model / "model.json", {**read_json(model / "model.json"), "kind": "forest"})
    with pytest.raises(ModelError, match="holds a model of kind 'forest'"):
        load_scorer(model)
