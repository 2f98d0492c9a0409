"""The outcome in words."""

import pytest

from stethoscope.detection.report.overview import outcome_text, separation
from stethoscope.detection.scores import ScoredClip
from stethoscope.stats.figure import Figure


def clips(condition: str, *decisions: bool) -> list[ScoredClip]:
    """Return clips of a condition."""
    return [
        ScoredClip(
            path="a", machine_id="0", condition=condition, score=1, threshold=1, decision=one
        )  # type: ignore[arg-type]
        for one in decisions
    ]


def test_outcome_counts_anomalies_and_false_alarms() -> None:
    found = clips("anomaly", True, False)
    assert outcome_text([*found, *clips("normal", True, False, False)]) == (
        "1 of 2 anomalous clips found, 1 false alarm in 3 normal clips"
    )
    assert outcome_text(found) == (
        "1 of 2 anomalous clips found, no normal clip to measure false alarms on"
    )
    assert outcome_text(clips("normal", False)) == (
        "no false alarm in 1 normal clip, no anomalous clip to find"
    )
    assert outcome_text(clips("unknown", True, False)) == (
        "1 of 2 clips of unknown condition judged anomalous"
    )


@pytest.mark.parametrize(
    ("auc", "words"),
    [
        (Figure(1.0, 0.9, 1.0), "perfectly separated"),
        (Figure(0.99, 0.95, 1.0), "almost perfectly separated"),
        (Figure(0.9, 0.8, 0.95), "well separated"),
        (Figure(0.6, 0.51, 0.7), "hardly separated"),
        (Figure(0.9, 0.45, 1.0), "not shown to be separated better than by chance"),
        (Figure(None, reason="no normal clips"), ""),
    ],
)
def test_separation_follows_the_auc_and_its_interval(auc: Figure, words: str) -> None:
    assert separation(auc) == words
