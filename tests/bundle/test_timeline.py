import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.bundle.timeline import Window, clock, find_stretches, verdict_of_windows
from stethoscope.bundle.verdict import Verdict
from stethoscope.cli import main
from stethoscope.errors import AudioError, ParameterError
from stethoscope.sound.suitability import Finding

RATE = 16_000


def joined(recordings: Path, path: Path, *, condition: str = "normal", rate: int = RATE) -> Path:
    """Write the clips of a fan, each of 1 s, as one recording."""
    parts = [soundfile.read(file)[0] for file in sorted(recordings.glob(f"{condition}_id_00*.wav"))]
    soundfile.write(path, np.concatenate(parts)[: len(parts) * RATE], rate)
    return path


def window(number: int, *, anomaly: bool, score: float = 0.0, message: str = "") -> Window:
    verdict = Verdict(
        anomaly=anomaly,
        message=message or ("Anomaly" if anomaly else "Component OK"),
        probabilities=(0.5, 0.5),
        score=score,
        threshold=0.5,
        machine="fan/00",
        model="model",
    )
    return Window(10.0 * number, 10.0 * number + 10.0, verdict)


def row(pattern: str) -> list[Window]:
    """Return a window per character: x anomalous, ? refused, any other normal."""
    return [
        Window(10.0 * i, 10.0 * i + 10.0, None, Finding("silent", "is silent", refuses=True))
        if mark == "?"
        else window(i, anomaly=mark == "x", score=float(mark == "x"))
        for i, mark in enumerate(pattern)
    ]


@pytest.mark.parametrize(
    ("pattern", "stretches"),
    [
        ("..........", []),
        ("..x...xx..", []),  # 3 of 5 nowhere
        ("..x.x.x...", [(20, 70)]),
        ("xxx.......", [(0, 30)]),
        (".......xxx", [(70, 100)]),
        ("xxx....xxx", [(0, 30), (70, 100)]),
        (".xxx?xxx..", [(10, 80)]),
        ("xxx", [(0, 30)]),
        ("xx", []),
        ("?????", []),
    ],
)
def test_a_stretch_is_where_three_of_five_windows_are_anomalous(
    pattern: str, stretches: list[tuple[float, float]]
) -> None:
    assert find_stretches(row(pattern)) == stretches


def test_a_recording_is_anomalous_if_more_than_half_of_its_windows_are() -> None:
    for pattern, anomaly in (("xx..", False), ("xxx..", True), ("x.?", False), ("xx.?", True)):
        verdict = verdict_of_windows(row(pattern), window=10.0, step=10.0)
        assert verdict.anomaly is anomaly
        assert verdict.score == float(anomaly)
    with pytest.raises(IndexError):
        verdict_of_windows([], window=10.0, step=10.0)


def test_the_message_names_the_fault_of_most_windows_and_the_stretches() -> None:
    faults = ["hum", "hum", "hum", "rattle"]
    windows = [window(i, anomaly=True, score=i, message=one) for i, one in enumerate(faults)]
    verdict = verdict_of_windows(windows, window=10.0, step=10.0)
    assert verdict.message == "hum, anomalous from 0:00 to 0:40"
    normal = verdict_of_windows(row("xxx......."), window=10.0, step=10.0)
    assert normal.message == "Component OK, but anomalous from 0:00 to 0:30"
    assert not normal.anomaly
    assert verdict_of_windows(row("x......"), window=10.0, step=10.0).message == "Component OK"
    many = verdict_of_windows(row("xxx....." * 5), window=10.0, step=10.0)
    assert many.message.endswith("from 0:00 to 0:30, 1:20 to 1:50, 2:40 to 3:10 and 2 more")
    assert [clock(seconds) for seconds in (0, 59.6, 3599, 3723)] == [
        "0:00",
        "1:00",
        "59:59",
        "1:02:03",
    ]


@pytest.mark.parametrize("rate", [16_000, 22_050])
def test_a_window_is_judged_as_the_same_seconds_in_a_file_of_their_own(
    rate: int, diagnosing_bundle: Path, recordings: Path, tmp_path: Path
) -> None:
    inference = Inference(Bundle.open(diagnosing_bundle))
    path = joined(recordings, tmp_path / "long.wav", condition="anomaly", rate=rate)
    verdict = inference.verdict(path, machine_id="00", step=0.4, window=1.0)
    assert verdict.timeline
    samples, _ = soundfile.read(path, dtype="int16")
    scores = []
    for start in verdict.timeline.starts:
        first = round(start * rate)
        soundfile.write(tmp_path / "part.wav", samples[first : first + rate], rate)
        scores.append(inference.verdict(tmp_path / "part.wav", machine_id="00").score)
    assert len(scores) >= 4
    assert list(verdict.timeline.scores) == scores
    assert verdict.score == sorted(scores)[(len(scores) - 1) // 2]


def test_a_recording_shorter_than_one_and_a_half_windows_is_judged_as_a_whole(
    fan_bundle: Path, recordings: Path, tmp_path: Path
) -> None:
    inference = Inference(Bundle.open(fan_bundle))
    assert inference.window_seconds == 1.0  # as long as the training recordings
    samples, _ = soundfile.read(joined(recordings, tmp_path / "long.wav"))
    for seconds, cut in ((1.0, False), (1.49, False), (1.51, True), (3.0, True)):
        soundfile.write(tmp_path / "one.wav", samples[: round(seconds * RATE)], RATE)
        verdict = inference.verdict(tmp_path / "one.wav", machine_id="00")
        assert (verdict.timeline is not None) is cut
        whole = inference.verdict(tmp_path / "one.wav", machine_id="00", window=0)
        assert whole.timeline is None


def test_windows_that_cannot_be_judged_are_listed_and_the_rest_is_judged(
    fan_bundle: Path, recordings: Path, tmp_path: Path
) -> None:
    inference = Inference(Bundle.open(fan_bundle))
    samples, _ = soundfile.read(joined(recordings, tmp_path / "long.wav"))
    samples[RATE : 2 * RATE] = 0.0
    soundfile.write(tmp_path / "gap.wav", samples, RATE)
    details = inference.verdict(tmp_path / "gap.wav", machine_id="00").to_json()["Details"]
    timeline = details["Timeline"]
    assert [one is None for one in timeline["Scores"]] == [False, True, False]
    [refused] = timeline["Refused"]
    assert (refused["Start"], refused["End"], refused["Reason"]) == (1.0, 2.0, "silent")
    assert "gap.wav at 0:01: is digital silence" in refused["Message"]
    soundfile.write(tmp_path / "silent.wav", 0 * samples, RATE)
    with pytest.raises(AudioError, match="digital silence") as caught:
        inference.verdict(tmp_path / "silent.wav")
    assert caught.value.reason == "silent"


def test_windows_out_of_range_are_refused(fan_bundle: Path, recordings: Path) -> None:
    inference = Inference(Bundle.open(fan_bundle))
    file = next(recordings.glob("*.wav"))
    for options in ({"window": -1.0}, {"window": 1e9}, {"window": float("nan")}, {"step": 0.0}):
        with pytest.raises(ParameterError, match=f"{next(iter(options))} is"):
            inference.verdict(file, **options)


def test_predict_prints_the_timeline(
    fan_bundle: Path, recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = joined(recordings, tmp_path / "normal_id_00_long.wav")
    command = ["predict", str(fan_bundle), str(path), "--window", "1", "--step", "0.5"]
    assert main(command) == 0
    answer = json.loads(capsys.readouterr().out)
    timeline = answer["Details"]["Timeline"]
    assert timeline["Starts"] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert answer["Details"]["Score"] == sorted(timeline["Scores"])[2]
    assert answer["Details"]["MachineId"] == "00"


def test_memory_does_not_grow_with_the_length_of_a_recording(
    fan_bundle: Path, tmp_path: Path
) -> None:
    def peak(seconds: int) -> int:
        with soundfile.SoundFile(tmp_path / "long.wav", "w", RATE, 1) as file:
            for _ in range(seconds):
                file.write(noise)
        tracemalloc.start()
        inference.verdict(tmp_path / "long.wav", compare=False)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    inference = Inference(Bundle.open(fan_bundle))
    peak(4)
    assert peak(120) < 1.5 * peak(12)
    assert peak(120) < 4 * RATE * 60
