"""The map of the clips."""

from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA

from stethoscope.detection.report.clip_map import _principal_components, clip_map
from stethoscope.detection.report.inputs import DetectionInputs
from tests.report.fixtures import Page


def test_components_are_those_of_scikit_learn() -> None:
    values = np.random.default_rng(0).normal(size=(50, 8)) * np.arange(1, 9)
    points, shares = _principal_components(values)
    expected = PCA(2).fit(values)
    np.testing.assert_allclose(np.abs(points), np.abs(expected.transform(values)), rtol=1e-9)
    np.testing.assert_allclose(shares, expected.explained_variance_ratio_, rtol=1e-9)


def test_map_has_a_dot_with_a_title_for_every_test_clip(
    fan_store: Path, fan_model: Path, fan_results: Path
) -> None:
    inputs = DetectionInputs.read(features=fan_store, model=fan_model, results=fan_results)
    html = clip_map(inputs, "fan", inputs.by_type["fan"])
    assert html
    titles = [one.text for one in Page(html).root.all("title")]
    assert len(titles) == len(inputs.scored)
    assert all(title.startswith("fan 0") and " · score " in title for title in titles)


def test_no_map_of_three_clips(fan_store: Path, fan_model: Path, fan_results: Path) -> None:
    inputs = DetectionInputs.read(features=fan_store, model=fan_model, results=fan_results)
    inputs.normal_training.clear()
    assert clip_map(inputs, "fan", inputs.by_type["fan"][:3]) is None
