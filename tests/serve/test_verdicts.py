from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from stethoscope.sound.formats import UNREADABLE
from tests.serve.helpers import post


def test_form_and_body_get_the_verdict_of_predict(
    service: str, recordings: list[Path], predicted: Callable[..., Any]
) -> None:
    for file, expected in zip(recordings, predicted(*recordings), strict=True):
        as_form = post(service, file.read_bytes(), file.name)
        as_body = requests.post(
            f"{service}/inference",
            data=file.read_bytes(),
            params={"name": file.name},
            headers={"content-type": "audio/wav"},
            timeout=20,
        )
        assert as_form.status_code == as_body.status_code == 200
        assert as_form.json() == as_body.json() == expected


def test_machine_id_is_read_from_form_or_query(
    service: str, recordings: list[Path], predicted: Callable[..., Any]
) -> None:
    content = recordings[0].read_bytes()
    (expected,) = predicted(recordings[0], machine_id="02")
    assert expected["Details"]["MachineId"] == "02"
    assert post(service, content, recordings[0].name, data={"machine_id": "02"}).json() == expected
    assert (
        post(service, content, recordings[0].name, params={"machine_id": "02"}).json() == expected
    )
    assert post(service, content).json()["Details"]["MachineId"] is None


def test_batch_is_answered_in_order_with_an_error_for_a_bad_recording(
    service: str, recordings: list[Path], predicted: Callable[..., Any]
) -> None:
    parts = [("file", (file.name, file.read_bytes())) for file in recordings[:3]]
    parts.insert(1, ("file", ("text.wav", b"no sound")))
    results = requests.post(f"{service}/inference/batch", files=parts, timeout=20).json()["Results"]
    assert [result.pop("File") for result in results] == [name for _, (name, _) in parts]
    assert results.pop(1) == {
        "Error": f"text.wav: {UNREADABLE}",
        "Reason": "unusable_recording",
    }
    assert results == predicted(*recordings[:3])


def test_batch_judges_long_recordings_by_the_windows_that_were_asked_for(
    service: str, recordings: list[Path]
) -> None:
    asked = {"window": 0.4, "step": 0.2}
    parts = [("file", (file.name, file.read_bytes())) for file in recordings[:2]]
    batch = requests.post(f"{service}/inference/batch", files=parts, params=asked, timeout=20)
    alone = [post(service, file.read_bytes(), file.name, params=asked) for file in recordings[:2]]
    results = batch.json()["Results"]
    assert [result["Details"] for result in results] == [one.json()["Details"] for one in alone]
    assert [len(result["Details"]["Timeline"]["Starts"]) for result in results] == [4, 4]
