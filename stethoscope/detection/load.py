"""Opening a model folder for scoring."""

import os
from pathlib import Path

from stethoscope.detection.registry import DETECTORS
from stethoscope.detection.scorer import Scorer
from stethoscope.model.folder import read_description
from stethoscope.sound.feature import read_feature_of
from stethoscope.sound.logmel import LogMel


def load_scorer(folder: str | os.PathLike[str]) -> Scorer:
    """Open the folder of a detector's model for scoring.

    Raises
    ------
    ModelError
        If the folder is incomplete or its detector is unknown to this version.
    """
    folder = Path(folder)
    model = read_description(folder, DETECTORS)
    feature = read_feature_of(folder / "feature.json", LogMel)
    scorer_class: type[Scorer] = DETECTORS[model["kind"]].import_deployed_class()
    scorer = scorer_class.open(folder, model, feature)
    scorer.kind = model["kind"]
    return scorer
