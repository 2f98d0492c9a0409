"""Services of bundles with a diagnosis or with a model of events."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import soundfile

from stethoscope.bundle.build import write_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.edit import name_faults
from stethoscope.bundle.wrap import wrap_model_folder
from stethoscope.cli import main
from stethoscope.diagnosis.model import References
from stethoscope.errors import ParameterError
from stethoscope.files import write_json
from stethoscope.model.tflite import write_tflite
from stethoscope.sound.logmel import LogMel
from tests.serve.helpers import serving
from tests.sounds import beeps

RATE = 16_000
MESSAGES = ("Component is imbalanced", "Component is clogged", "Voltage change")

Predict = Callable[..., dict[str, Any]]


@pytest.fixture
def predict(capsys: pytest.CaptureFixture[str]) -> Predict:
    def predict(bundle: Path, file: Path) -> dict[str, Any]:
        main(["predict", str(bundle), str(file)])
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        del answer["File"]
        return answer

    return predict


def post(url: str, file: Path, **options: Any) -> dict[str, Any]:
    answer = requests.post(
        f"{url}/inference", files={"file": (str(file), file.read_bytes())}, timeout=20, **options
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def four_classes(fan_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fan's detector, and a network with fixed weights: the class is the loudest quarter of the
    bands.
    """
    import keras

    folder = tmp_path_factory.mktemp("four")
    model = folder / "diagnosis"
    model.mkdir()
    quarters = np.kron(np.eye(4), np.ones((4, 1)))
    dense = keras.layers.Dense(4, activation="softmax", use_bias=False)
    network = keras.Sequential(
        [keras.layers.Input((8, 16)), keras.layers.GlobalAveragePooling1D(), dense]
    )
    dense.set_weights([quarters])
    write_tflite(network, model / "classifier.tflite", shape=(None, 8, 16), probe=(2, 8, 16))
    write_json(model / "feature.json", LogMel(sample_rate=RATE, n_mels=16).to_json())
    labels = ["normal", "fault 1", "fault 2", "fault 3"]
    write_json(
        model / "model.json",
        {"kind": "classifier", "schema_version": 1, "window": 8, "labels": labels, "versions": {}},
    )
    References({}).write(model)
    fan = Bundle.open(fan_bundle)
    models = {"detector": fan_bundle / "models" / "detector", "diagnosis": model}
    bundle = write_bundle(
        folder / "bundle",
        name="four",
        models=models,
        metrics={},
        settings={},
        thresholds=fan.thresholds,
    )
    return name_faults(bundle, {}, dict(enumerate(MESSAGES, start=1))).folder


def test_diagnosis_of_three_faults_answers_the_given_messages(
    start: Callable[..., str],
    four_classes: Path,
    recordings: list[Path],
    tmp_path: Path,
    predict: Predict,
) -> None:
    url = start(four_classes)
    bands = LogMel(sample_rate=RATE, n_mels=16).filters.argmax(axis=1) * (RATE / 1024)
    messages = []
    for number in (5, 9, 14):  # a band of the second, third and last quarter
        file = tmp_path / f"{number}_id_00_.wav"
        soundfile.write(
            file,
            0.3 * np.sin(2 * np.pi * bands[number] * np.arange(RATE) / RATE),
            RATE,
            subtype="FLOAT",
        )
        answer = post(url, file)
        assert answer == predict(four_classes, file)
        assert answer["Anomaly"] is True
        assert np.argmax(answer["Details"]["Probabilities"]) == number // 4
        assert sum(answer["Details"]["Probabilities"]) == pytest.approx(1.0, abs=1e-5)
        messages.append(answer["Details"]["Message"])
    assert tuple(messages) == MESSAGES
    answers = [post(url, file) for file in recordings]
    assert {answer["Details"]["Message"] for answer in answers if not answer["Anomaly"]} == {
        "Component OK"
    }
    assert {"Message", "Probabilities", "Labels"} <= answers[0]["Details"].keys()


def tone(folder: Path, quarter: int) -> Path:
    """A tone in one of the four quarters of the bands."""
    bands = LogMel(sample_rate=RATE, n_mels=16).filters.argmax(axis=1) * (RATE / 1024)
    path = folder / f"tone_{quarter}.wav"
    sound = 0.3 * np.sin(2 * np.pi * bands[4 * quarter + 1] * np.arange(RATE) / RATE)
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return path


def test_verdict_of_the_diagnosis_is_its_likeliest_class(
    four_classes: Path, tmp_path: Path
) -> None:
    with serving(four_classes, "--verdict", "diagnosis") as service:
        answers = [post(service.url, tone(tmp_path, quarter)) for quarter in range(4)]
        parameters = requests.get(f"{service.url}/v2/models/four", timeout=5).json()["parameters"]
    assert [answer["Details"]["Message"] for answer in answers] == ["Component OK", *MESSAGES]
    assert [answer["Anomaly"] for answer in answers] == [False, True, True, True]
    for answer in answers:
        details = answer["Details"]
        assert (details["Score"] > details["Threshold"]) is answer["Anomaly"]
        assert sum(details["Probabilities"]) == pytest.approx(1.0, abs=1e-5)
    assert parameters["decider"] == "diagnosis"


def test_diagnosis_and_classifier_are_served_alone(
    start: Callable[..., str], four_classes: Path, tmp_path: Path, predict: Predict
) -> None:
    model = four_classes / "models" / "diagnosis"
    shutil.copytree(model, tmp_path / "sounds")
    (tmp_path / "sounds" / "references.npz").unlink()  # what makes it a diagnosis
    alone = wrap_model_folder(model, tmp_path / "alone")
    sounds = wrap_model_folder(tmp_path / "sounds", tmp_path / "bundle", normal="fault 3")
    assert (alone.manifest["roles"], sounds.manifest["roles"]) == (["diagnosis"], ["classifier"])
    url = start(alone.folder)
    answers = [post(url, tone(tmp_path, quarter)) for quarter in range(4)]
    assert answers[2] == predict(alone.folder, tone(tmp_path, 2))
    assert [answer["Details"]["Message"] for answer in answers] == [
        "Component OK",
        "fault 1",
        "fault 2",
        "fault 3",
    ]
    url = start(sounds.folder)
    answers = [post(url, tone(tmp_path, quarter)) for quarter in range(4)]
    assert [answer["Anomaly"] for answer in answers] == [True, True, True, False]
    assert [answer["Details"]["Message"] for answer in answers] == [
        "normal",
        "fault 1",
        "fault 2",
        "Component OK",
    ]
    picture = post(url, tone(tmp_path, 2), params={"picture": "true"})["Picture"]
    rows = np.frombuffer(base64.b64decode(picture["Spectrogram"]), np.uint8)
    loudest = rows.reshape(picture["Bands"], -1).mean(axis=1).argmax()
    bands = LogMel(sample_rate=RATE, n_mels=16).filters.argmax(axis=1) * (RATE / 1024)
    assert picture["Frequencies"][loudest] == pytest.approx(bands[9], rel=0.05)


def test_verdict_by_a_model_that_the_bundle_lacks_is_refused(fan_bundle: Path) -> None:
    with pytest.raises(ParameterError, match="has no classifier to decide, it was made for det"):
        Bundle.open(fan_bundle).deciding_role("classifier")


def test_events_are_answered_with_their_times(
    start: Callable[..., str], beep_parts: Path, tmp_path: Path, predict: Predict
) -> None:
    beeps(tmp_path, "x", seed=99)
    truth = [
        tuple(map(float, line.split("\t")[:2]))
        for line in (tmp_path / "labels_x.txt").read_text().splitlines()
    ]
    bundle, url = beep_parts / "bundle", start(beep_parts / "bundle")
    answer = post(url, tmp_path / "audio_x.wav")
    assert answer == predict(bundle, tmp_path / "audio_x.wav")
    details = answer["Details"]
    assert answer["Anomaly"] is True
    assert details["Message"] == f"{len(truth)} events: Beep"
    assert (details["MachineType"], details["MachineId"]) == ("", None)
    assert details["Score"] == details["Probabilities"][1] > details["Threshold"]
    found = [(event["start"], event["end"]) for event in details["Events"]]
    np.testing.assert_allclose(found, truth, atol=0.2)

    parameters = requests.get(f"{url}/v2/models/{details['Model']}", timeout=5).json()["parameters"]
    assert (parameters["roles"], parameters["labels"], parameters["machines"]) == (
        ["events"],
        ["Beep"],
        [],
    )
    text = requests.get(f"{url}/metrics", timeout=5).text
    assert 'stethoscope_verdicts_total{anomaly="true",machine=""} 1.0' in text
    assert "stethoscope_score_drift{" not in text, "there is no normal clip to compare with"


def test_silence_has_no_event(start: Callable[..., str], beep_parts: Path, tmp_path: Path) -> None:
    soundfile.write(
        tmp_path / "silence.wav", 1e-4 * np.random.default_rng(0).standard_normal(2 * RATE), RATE
    )
    answer = post(start(beep_parts / "bundle"), tmp_path / "silence.wav")
    assert answer["Anomaly"] is False
    assert answer["Details"]["Message"] == "No event"
    assert answer["Details"]["Events"] == []


def test_picture_shows_the_times_of_the_events(
    start: Callable[..., str], beep_parts: Path, tmp_path: Path
) -> None:
    beeps(tmp_path, "x", seed=99)
    answer = post(
        start(beep_parts / "bundle"), tmp_path / "audio_x.wav", params={"picture": "true"}
    )
    picture = answer["Picture"]
    shown = np.frombuffer(base64.b64decode(picture["Deviation"]), np.uint8).reshape(
        picture["Bands"], picture["Columns"]
    )
    times = (np.arange(picture["Columns"]) + 0.5) / picture["Columns"] * picture["Seconds"]
    inside = np.any(
        [
            (times > event["start"] + 0.1) & (times < event["end"] - 0.1)
            for event in answer["Details"]["Events"]
        ],
        axis=0,
    )
    outside = ~np.any(
        [
            (times > event["start"] - 0.1) & (times < event["end"] + 0.1)
            for event in answer["Details"]["Events"]
        ],
        axis=0,
    )
    assert picture["Seconds"] == pytest.approx(12.0, abs=0.1)
    assert picture["Frequencies"] == sorted(picture["Frequencies"])
    assert inside.any()
    assert outside.any()
    assert (shown[:, inside] > 128).all()
    assert (shown[:, outside] == 0).all()


def test_bundle_with_detector_and_events_answers_both(
    start: Callable[..., str],
    fan_bundle: Path,
    beep_parts: Path,
    recordings: list[Path],
    tmp_path: Path,
    predict: Predict,
) -> None:
    fan = Bundle.open(fan_bundle)
    models = {"detector": fan_bundle / "models" / "detector", "events": beep_parts / "model"}
    bundle = write_bundle(
        tmp_path / "both",
        name="both",
        models=models,
        metrics={},
        settings={},
        thresholds=fan.thresholds,
    )
    answer = post(start(bundle.folder), recordings[0])
    alone = predict(fan_bundle, recordings[0])
    assert answer["Details"].pop("Events") == [
        event.to_json() for event in Bundle.open(bundle.folder).events.find(recordings[0])
    ]
    assert {**answer["Details"], "Model": ""} == {**alone["Details"], "Model": ""}
