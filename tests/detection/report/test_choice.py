"""Selection of the clips that the report shows."""

from pathlib import Path

from stethoscope.datasets.clips import Clip
from stethoscope.detection.report.choice import choose
from stethoscope.detection.report.inputs import DetectionInputs
from tests.report.fixtures import Reporter


def chosen(
    report: Reporter, scores: dict[str, float], fan_store: Path, fan_model: Path
) -> dict[str, list[str]]:
    """Return the paths chosen, by reason; clips that `scores` does not name are normal ones far
    below the threshold.
    """

    def score_of(clip: Clip) -> float:
        return scores.get(f"{clip.condition}{clip.machine_id}{clip.path[-5]}", 0.2)

    results = report(score_of).parent / "results"
    inputs = DetectionInputs.read(features=fan_store, model=fan_model, results=results)
    return {
        group.reason: [f"{clip.condition}{clip.machine_id}{clip.path[-5]}" for clip in group.clips]
        for group in choose(inputs)
    }


def test_machines_take_turns(report: Reporter, fan_store: Path, fan_model: Path) -> None:
    scores = {
        "anomaly000": 9.0,
        "anomaly001": 8.0,
        "anomaly002": 7.0,
        "anomaly020": 4.0,
        "anomaly021": 3.0,
        "anomaly022": 0.9,
    }
    groups = chosen(report, scores, fan_store, fan_model)
    assert groups["Most anomalous"] == ["anomaly000", "anomaly020", "anomaly001"]
    assert groups["Missed anomaly"] == ["anomaly022"]
    assert groups["Just above the threshold"] == ["anomaly021", "anomaly002"]


def test_worst_errors_come_first_and_no_clip_twice(
    report: Reporter, fan_store: Path, fan_model: Path
) -> None:
    scores = {
        "anomaly000": 0.3,
        "anomaly001": 0.1,
        "anomaly002": 1.1,
        "normal000": 5.0,
        "normal001": 1.2,
        "normal020": 0.9,
    }
    groups = chosen(report, scores, fan_store, fan_model)
    assert groups["Missed anomaly"][0] in ("anomaly001", "anomaly020")
    assert groups["False alarm"] == ["normal000"]
    assert "normal020" in groups["Just below the threshold"]
    everything = [name for names in groups.values() for name in names]
    assert len(everything) == len(set(everything))


def test_reference_is_a_training_clip_if_there_is_no_normal_test_clip(
    report: Reporter, fan_store: Path, fan_model: Path
) -> None:
    results = (
        report(
            lambda clip: 3.0 if clip.machine == "fan/00" and clip.condition == "anomaly" else None
        ).parent
        / "results"
    )
    inputs = DetectionInputs.read(features=fan_store, model=fan_model, results=results)
    (reference,) = next(
        group.clips for group in choose(inputs) if group.reason.startswith("For comparison")
    )
    assert reference.path.startswith("fan/train/normal_id_00_")
