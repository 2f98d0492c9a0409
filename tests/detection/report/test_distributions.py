"""The distribution of scores."""

import re

import numpy as np
import pytest

from stethoscope.detection.report.distributions import score_chart
from stethoscope.detection.scores import ScoredClip
from tests.report.fixtures import Element, Page


def chart_of(normal: list[float], anomalous: list[float], threshold: float) -> Element:
    """Return the chart of clips with these scores."""
    clips = [
        ScoredClip(
            path="a",
            machine_id="00",
            condition=condition,
            score=score,
            threshold=threshold,
            decision=score > threshold,
            machine_type="fan",
        )
        for condition, scores in (("normal", normal), ("anomaly", anomalous))
        for score in scores
    ]
    return Page(score_chart("fan/00", clips)).root  # type: ignore[arg-type]


def bars_of(page: Element, style: str) -> list[tuple[float, float]]:
    """Return the left and right edges of bars, as shares of the width."""
    [path] = [one for one in page.all("path") if one.attributes["class"] == f"bar {style}"]
    found = re.findall(r"M([\d.]+) [\d.]+V[\d.]+H([\d.]+)V", str(path.attributes["d"]))
    return [(float(left) / 1000, float(right) / 1000) for left, right in found]


def test_threshold_is_an_edge_of_bars() -> None:
    rng = np.random.default_rng(0)
    page = chart_of(rng.normal(0, 1, 60).tolist(), rng.normal(2, 1, 60).tolist(), 1.3)
    [rule] = [one for one in page.all("path") if one.attributes["class"] == "line limit"]
    at = float(str(rule.attributes["d"])[1:].split()[0]) / 1000
    for style in ("normal", "anomaly"):
        assert not any(left + 1e-3 < at < right - 1e-3 for left, right in bars_of(page, style))
    assert "normal, 60 clips" in page.text


def test_very_high_scores_are_in_the_last_bar() -> None:
    page = chart_of([0.0, 0.2, 0.4, 0.6], [2.0, 500.0, 900.0], 1.0)
    assert "The last bar contains 2 clips with scores up to 900." in page.text
    assert bars_of(page, "anomaly")[-1][1] == pytest.approx(1.0)
    assert len(bars_of(page, "normal")) > 2, "the others are not compressed into one bar"
