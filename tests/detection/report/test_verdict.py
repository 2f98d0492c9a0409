"""Whether a detector can be used, by its figures on the test clips."""

from dataclasses import replace
from pathlib import Path

import pytest

from stethoscope.detection.metrics import evaluate
from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.detection.report.verdict import verdict
from stethoscope.detection.scores import ScoredClip
from stethoscope.detection.thresholds import fit_thresholds
from stethoscope.report.page import Verdict


def clips(machine: str, condition: str, scores: list[float]) -> list[ScoredClip]:
    """Return clips of a machine with these scores, and 1 as threshold."""
    return [
        ScoredClip(
            path=f"{machine}{condition}{number}",
            machine_id=machine,
            condition=condition,  # type: ignore[arg-type]
            score=score,
            threshold=1.0,
            decision=score > 1.0,
            machine_type="fan",
        )
        for number, score in enumerate(scores)
    ]


@pytest.fixture
def judge(fan_store: Path, fan_model: Path, fan_results: Path):
    """Return a function that gives the verdict of scored clips, 10 % of false alarms wanted."""
    inputs = DetectionInputs.read(features=fan_store, model=fan_model, results=fan_results)

    def judge(scored: list[ScoredClip], sessions: int = 0) -> Verdict:
        machines = {clip.machine: [0.5 + 0.01 * n for n in range(40)] for clip in scored}
        thresholds = fit_thresholds(machines, {}, false_alarm_rate=0.1)
        known = dict.fromkeys(machines, sessions) if sessions else {}
        return verdict(
            replace(
                inputs,
                scored=scored,
                overall=evaluate(scored).overall,
                thresholds=replace(thresholds, sessions=known),
            )
        )

    return judge


def below(n: int, above: int = 0) -> list[float]:
    """Return scores below the threshold, and then so many above it."""
    return [0.5 + 0.001 * i for i in range(n - above)] + [1.5 + 0.001 * i for i in range(above)]


def test_ready_with_few_false_alarms_and_most_anomalies_found(judge) -> None:
    good = judge([*clips("0", "normal", below(100, 8)), *clips("0", "anomaly", below(50, 45))], 3)
    assert good.status == "ready"
    assert good.text == (
        "Ready: 90\u00a0% of the anomalous clips found, 8\u00a0% false alarms, 10\u00a0% wanted."
    )


def test_not_ready_with_more_false_alarms_than_chance_explains(judge) -> None:
    # Wilson's 95 % interval of 34 of 100 is 25 to 44 %, all above 10 %.
    scored = [*clips("0", "normal", below(100, 34)), *clips("0", "anomaly", [2.0] * 40)]
    bad = judge(scored, 1)
    assert bad.status == "not ready"
    assert bad.text == ("Not ready: 34\u00a0% false alarms on the test clips, 10\u00a0% wanted.")
    assert bad.advice.startswith("Record normal sound on more days")
    assert "Listen to the false alarms" in judge(scored, 4).advice


def test_machine_with_too_many_false_alarms_is_named(judge) -> None:
    scored = [
        *clips("0", "normal", below(200, 10)),
        *clips("1", "normal", below(30, 12)),
        *clips("0", "anomaly", [2.0] * 40),
        *clips("1", "anomaly", [2.0] * 40),
    ]
    assert judge(scored).reason == "40\u00a0% false alarms on fan 1, 10\u00a0% wanted."


def test_not_ready_if_scores_do_not_separate_or_most_anomalies_are_missed(judge) -> None:
    mixed = [*clips("0", "normal", below(40, 4)), *clips("0", "anomaly", below(40, 4))]
    assert "not shown to differ" in judge(mixed).reason
    missed = [*clips("0", "normal", below(100, 5)), *clips("0", "anomaly", [0.9] * 30 + [2.0] * 10)]
    assert judge(missed, 3).reason == "10 of 40 anomalous clips found."


def test_ready_for_a_trial_where_little_is_known(judge) -> None:
    only_normal = judge(clips("0", "normal", below(100, 8)))
    assert only_normal.status == "trial"
    assert "no anomalous clip to test with" in only_normal.reason
    few = judge([*clips("0", "normal", below(12, 1)), *clips("0", "anomaly", [2.0] * 12)], 3)
    assert few.status == "trial"
    assert "measured on 12 normal and 12 anomalous clips only" in few.reason
    one_day = judge([*clips("0", "normal", below(100, 8)), *clips("0", "anomaly", [2.0] * 40)], 1)
    assert "of one session" in one_day.reason
    unknown = judge(clips("0", "unknown", [2.0] * 5))
    assert "not known" in unknown.reason
