import io
import json
import os
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import soundfile
from prometheus_client.parser import text_string_to_metric_families
from scipy.ndimage import uniform_filter

from stethoscope.files import read_json, write_json
from stethoscope.serve import app
from stethoscope.serve.model import LiveModel
from tests.serve.conftest import serving, wait

Start = Callable[..., str]


def wav(
    samples: np.ndarray, rate: int = 16_000, subtype: str = "PCM_16", kind: str = "WAV"
) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, subtype=subtype, format=kind)
    return buffer.getvalue()


def noise(seconds: float = 1.0, rate: int = 16_000, channels: int = 1) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((round(seconds * rate), channels))


def post(
    url: str, content: bytes, name: str = "clip.wav", field: str = "file", **options: Any
) -> requests.Response:
    return requests.post(f"{url}/inference", files={field: (name, content)}, timeout=20, **options)


def metric(url: str, name: str, **labels: str) -> float:
    text = requests.get(f"{url}/metrics", timeout=5).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return 0.0


def test_a_file_is_answered_exactly_as_predict_answers_it(
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


def test_the_machine_is_named_by_form_or_query(
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


def test_a_batch_is_answered_in_order_and_survives_a_bad_recording(
    service: str, recordings: list[Path], predicted: Callable[..., Any]
) -> None:
    parts = [("file", (file.name, file.read_bytes())) for file in recordings[:3]]
    parts.insert(1, ("file", ("text.wav", b"no sound")))
    results = requests.post(f"{service}/inference/batch", files=parts, timeout=20).json()["Results"]
    assert [result.pop("File") for result in results] == [name for _, (name, _) in parts]
    assert results.pop(1) == {
        "Error": "text.wav: not a readable WAV, FLAC or OGG recording",
        "Reason": "unusable_recording",
    }
    assert results == predicted(*recordings[:3])


def test_the_root_greets_programs_and_people(service: str) -> None:
    assert requests.get(service, timeout=5).text == "server is up"
    page = requests.get(service, headers={"accept": "text/html,*/*;q=0.8"}, timeout=5)
    assert page.headers["content-type"].startswith("text/html")
    assert requests.head(service, timeout=5).status_code == 200


def test_every_rate_and_channel_count_is_heard(service: str, fan_bundle: Path) -> None:
    assert post(service, wav(noise(1.0, 384_000), 384_000)).status_code == 200
    assert post(service, wav(noise(1.0, channels=32))).status_code == 200
    assert post(service, wav(noise()[:, 0], kind="FLAC")).status_code == 200


def bomb() -> bytes:
    """Ten minutes of silence on eight channels in a few kilobytes."""
    return wav(np.zeros((16_000 * 290, 8)), kind="FLAC")


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 422, "unusable_recording"),
        (b"no sound at all", 422, "unusable_recording"),
        (wav(noise())[:30], 422, "unusable_recording"),
        (wav(np.array([0.0, np.nan] * 8000), subtype="FLOAT"), 422, "unusable_recording"),
        (wav(np.full(16_000, 1e30), subtype="FLOAT"), 422, "unusable_recording"),
        (wav(np.array([0.1])), 422, "unusable_recording"),
        (wav(np.zeros(1000), 100), 422, "unusable_recording"),
        (wav(np.zeros(0)), 422, "unusable_recording"),
        (wav(np.zeros(16_000 * 301), subtype="PCM_U8"), 413, "too_long"),
        (bomb(), 413, "too_long"),
        (bytes(33 << 20), 413, "too_large"),
        (b"PK\x03\x04" + bytes(1000), 422, "unusable_recording"),
    ],
    ids=[
        "empty",
        "text",
        "cut",
        "NaN",
        "huge",
        "one-sample",
        "100 Hz",
        "no-samples",
        "long",
        "bomb",
        "large",
        "zip",
    ],
)
def test_what_cannot_be_judged_is_refused_with_a_reason(
    service: str, content: bytes, status: int, reason: str
) -> None:
    answer = post(service, content)
    assert (answer.status_code, answer.json()["Reason"]) == (status, reason)
    assert answer.json()["Error"]
    assert answer.json()["RequestId"] == answer.headers["x-request-id"]


def test_a_truncated_recording_is_answered_for_what_is_there_or_refused(service: str) -> None:
    content = wav(noise(2.0))
    assert post(service, content[: len(content) // 2]).status_code in (200, 422)


FORM = "multipart/form-data; boundary=B"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (b"text", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "application/json", 415, "unsupported_media_type"),
        (b"file=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"x", "multipart/form-data", 422, "malformed_form"),
        (b"garbage", FORM, 422, "malformed_form"),
        (
            b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
            FORM,
            422,
            "malformed_form",
        ),
        (
            b'--B\r\nContent-Disposition: form-data; name="sound"\r\n\r\nabc\r\n--B--\r\n',
            FORM,
            422,
            "no_file",
        ),
        (
            b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
            + bytes(5000)
            + b"\r\n--B--\r\n",
            FORM,
            422,
            "malformed_form",
        ),
        (
            b"--B\r\nX: " + bytes(b"y" * 9000) + b"\r\n\r\n\r\n--B--\r\n",
            FORM,
            422,
            "malformed_form",
        ),
        (
            b'--B\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n' * 2 + b"--B--\r\n",
            FORM,
            413,
            "too_many_files",
        ),
        (b"x", "multipart/form-data; boundary=" + "b" * 5000, 422, "malformed_form"),
    ],
)
def test_what_is_no_form_is_refused_with_a_reason(
    service: str, body: bytes, content_type: str, status: int, reason: str
) -> None:
    answer = requests.post(
        f"{service}/inference", data=body, headers={"content-type": content_type}, timeout=20
    )
    assert (answer.status_code, answer.json()["Reason"]) == (status, reason)


def test_bad_parameters_and_addresses_are_refused_as_json(service: str) -> None:
    content = wav(noise())
    for answer, status, reason in (
        (post(service, content, params={"picture": "perhaps"}), 422, "bad_parameter"),
        (post(service, content, params={"machine_id": "0" * 101}), 422, "bad_parameter"),
        (post(service, content, data={"machine_id": "0" * 101}), 422, "bad_parameter"),
        (requests.get(f"{service}/nowhere", timeout=5), 404, "not_found"),
        (requests.get(f"{service}/page/../app.py", timeout=5), 404, "not_found"),
        (requests.get(f"{service}/page/%2e%2e%2fapp.py", timeout=5), 404, "not_found"),
        (requests.get(f"{service}/inference", timeout=5), 405, "method_not_allowed"),
        (requests.get(f"{service}/v2/models/other", timeout=5), 404, "unknown_model"),
    ):
        assert (answer.status_code, answer.json()["Reason"]) == (status, reason)


def test_a_body_without_a_length_is_cut_off_at_the_limit(start: Start, fan_bundle: Path) -> None:
    url = start(fan_bundle, max_bytes=100_000)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 1 << 30:
            sent += 10_000
            yield bytes(10_000)

    try:
        answer = requests.post(
            f"{url}/inference", data=endless(), headers={"content-type": "audio/wav"}, timeout=20
        )
        assert answer.status_code == 413
    except requests.ConnectionError:  # the sender did not listen while it sent
        pass
    assert sent < 1 << 30
    assert requests.get(url, timeout=5).ok


def test_slow_senders_are_let_go(start: Start, fan_bundle: Path) -> None:
    url = start(fan_bundle, receive_seconds=0.3)
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as slow:
        slow.sendall(
            b"POST /inference HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: 1000\r\n\r\nRIFF"
        )
        answer = slow.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408")
    with socket.create_connection((host, int(port)), timeout=5) as slow:
        slow.sendall(b"POST /inference HTTP/1.1\r\nHost:")
        assert slow.recv(4096) == b""
    assert metric(url, "stethoscope_refusals_total", reason="too_slow") == 1
    assert metric(url, "stethoscope_places_taken") == 0


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Judging waits until it is set."""
    opened = threading.Event()

    def held(*args: Any, **kwargs: Any) -> Any:
        assert opened.wait(20)
        return judge(*args, **kwargs)

    judge = app.judge
    monkeypatch.setattr(app, "judge", held)
    yield opened
    opened.set()


def test_more_requests_than_places_are_turned_away_and_the_others_answered(
    start: Start, fan_bundle: Path, gate: threading.Event
) -> None:
    url = start(fan_bundle, places=2)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(post(url, wav(noise())).status_code))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    wait(lambda: metric(url, "stethoscope_places_taken") == 2)
    refused = post(url, wav(noise()))
    assert (refused.status_code, refused.json()["Reason"]) == (429, "queue_full")
    assert refused.headers["retry-after"]
    gate.set()
    for thread in threads:
        thread.join()
    assert answers == [200, 200]
    assert post(url, wav(noise())).status_code == 200


def test_who_waits_too_long_is_told_so(
    start: Start, fan_bundle: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "processors", lambda: 1)
    url = start(fan_bundle, wait_seconds=0.2)
    first = threading.Thread(target=post, args=(url, wav(noise())))
    first.start()
    wait(lambda: metric(url, "stethoscope_places_taken") == 1)
    late = post(url, wav(noise()))
    assert (late.status_code, late.json()["Reason"]) == (503, "overloaded")
    gate.set()
    first.join()
    assert post(url, wav(noise())).status_code == 200


def test_requests_together_hold_no_more_than_they_may(
    start: Start, fan_bundle: Path, gate: threading.Event
) -> None:
    url = start(fan_bundle, max_bytes_held=50_000)
    first = threading.Thread(target=post, args=(url, wav(noise())))
    first.start()
    wait(lambda: metric(url, "stethoscope_places_taken") == 1)
    refused = post(url, wav(noise()))
    assert (refused.status_code, refused.json()["Reason"]) == (429, "memory_full")
    gate.set()
    first.join()
    assert post(url, wav(noise())).status_code == 200


def test_a_fault_of_ours_leaks_nothing(
    start: Start,
    fan_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"secret in {fan_bundle}")

    monkeypatch.setattr(app, "judge", fails)
    answer = post(start(fan_bundle), wav(noise()))
    assert answer.status_code == 500
    assert answer.json()["Reason"] == "internal"
    assert "secret" not in answer.text
    assert str(fan_bundle) not in answer.text
    wait(lambda: "secret" in caplog.text)


def test_a_key_is_asked_for_where_there_is_something_to_guard(
    start: Start, fan_bundle: Path
) -> None:
    url = start(fan_bundle, api_key="s3cret")
    content = wav(noise())
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "s3cret"},
        {"authorization": "Basic s3cret"},
    ):
        refused = post(url, content, headers=headers)
        assert (refused.status_code, refused.json()["Reason"]) == (401, "unauthorized")
    assert post(url, content, headers={"authorization": "Bearer s3cret"}).status_code == 200
    for path in ("/metrics", "/v2/models/x", "/v2"):
        assert requests.get(url + path, timeout=5).status_code == 401
    for path in ("/", "/page/page.js", "/docs", "/openapi.json", "/v2/health/ready"):
        assert requests.get(url + path, timeout=5).status_code == 200


def test_answers_carry_safe_headers_and_a_request_id(service: str) -> None:
    for path in ("/", "/docs", "/nowhere", "/metrics"):
        headers = requests.get(service + path, timeout=5).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
        assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert (
        requests.get(service, headers={"x-request-id": "job-7"}, timeout=5).headers["x-request-id"]
        == "job-7"
    )
    assert (
        requests.get(service, headers={"x-request-id": 'a"b'}, timeout=5).headers["x-request-id"]
        != 'a"b'
    )


def test_health_and_metadata_follow_the_open_inference_protocol(
    service: str, fan_bundle: Path
) -> None:
    name = read_json(fan_bundle / "bundle.json")["name"]
    assert requests.get(f"{service}/v2/health/live", timeout=5).json() == {"live": True}
    assert requests.get(f"{service}/v2/health/ready", timeout=5).json() == {"ready": True}
    assert requests.get(f"{service}/v2/models/{name}/ready", timeout=5).json() == {"ready": True}
    assert requests.get(f"{service}/v2", timeout=5).json()["name"] == "stethoscope"
    metadata = requests.get(f"{service}/v2/models/{name}", timeout=5).json()
    assert {"name", "versions", "platform", "inputs", "outputs"} <= metadata.keys()
    assert metadata["parameters"]["machines"] == ["fan/00", "fan/02"]
    assert metadata["parameters"]["sample_rate"] == 16_000


def test_verdicts_and_drift_are_counted(
    start: Start, fan_bundle: Path, recordings: list[Path]
) -> None:
    url = start(fan_bundle)
    files = [file for file in recordings if "id_00" in file.name]
    probabilities = [
        post(url, file.read_bytes(), file.name).json()["Details"]["Probabilities"][1]
        for file in files
    ]
    assert metric(url, "stethoscope_score_drift", machine="fan/00") == pytest.approx(
        np.mean(probabilities) - 0.5
    )
    counted = sum(
        metric(url, "stethoscope_verdicts_total", machine="fan/00", anomaly=anomaly)
        for anomaly in ("true", "false")
    )
    assert counted == len(probabilities)
    assert metric(url, "stethoscope_requests_total", route="/inference", status="200") == len(
        probabilities
    )
    requests.get(f"{url}/made/up/by/a/scanner", timeout=5)
    assert metric(url, "stethoscope_requests_total", route="unknown", status="404") == 1


def test_the_picture_shows_the_frames_and_where_they_deviate(
    service: str, fan_bundle: Path, recordings: list[Path]
) -> None:
    import base64

    from stethoscope.bundle.bundle import Bundle
    from stethoscope.bundle.inference import Inference

    answer = post(
        service, recordings[0].read_bytes(), recordings[0].name, params={"picture": "true"}
    ).json()
    picture = answer["Picture"]
    inference = Inference(Bundle.open(fan_bundle))
    frames = inference.frames(recordings[0])
    deviation = uniform_filter(
        inference.bundle.detector.deviation(frames, "fan/00"), (5, 3), mode="reflect"
    )
    assert (picture["Columns"], picture["Bands"]) == frames.shape
    assert picture["Seconds"] == pytest.approx(1.0, abs=0.05)
    assert picture["Frequencies"] == sorted(picture["Frequencies"])
    for name, expected in (("Spectrogram", frames), ("Deviation", deviation)):
        painted = np.frombuffer(base64.b64decode(picture[name]), np.uint8).reshape(
            picture["Bands"], picture["Columns"]
        )
        loudest = np.unravel_index(expected.argmax(), expected.shape)
        assert painted[loudest[1], loudest[0]] == 255
        shown = (painted.T > 0) & (painted.T < 255)
        assert np.corrcoef(painted.T[shown], expected[shown])[0, 1] > 0.99


@pytest.fixture
def deployed(fan_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fan_bundle, tmp_path / "deployed"))


def rename(bundle: Path, name: str) -> None:
    write_json(bundle / "bundle.json", {**read_json(bundle / "bundle.json"), "name": name})


def test_a_new_bundle_takes_over_and_a_corrupt_one_is_refused_and_reported(
    start: Start, deployed: Path, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_LOOK_SECONDS", 0.05)
    url = start(deployed)
    content = recordings[0].read_bytes()
    rename(deployed, "second")
    wait(lambda: post(url, content).json()["Details"]["Model"] == "second")
    network = next((deployed / "models/detector").glob("*.tflite"))
    whole = network.read_bytes()
    network.write_bytes(whole[:-100])
    rename(deployed, "third")
    wait(lambda: metric(url, "stethoscope_reloads_total", result="refused") >= 1)
    assert post(url, content).json()["Details"]["Model"] == "second"
    refused = requests.get(f"{url}/v2/models/second", timeout=5).json()["parameters"][
        "refused_reload"
    ]
    assert network.name in refused
    assert str(deployed) not in refused
    network.write_bytes(whole)
    wait(lambda: post(url, content).json()["Details"]["Model"] == "third")
    assert (
        requests.get(f"{url}/v2/models/third", timeout=5).json()["parameters"]["refused_reload"]
        is None
    )


def test_no_request_fails_while_bundles_change(
    start: Start, deployed: Path, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_LOOK_SECONDS", 0.02)
    url = start(deployed)
    content = recordings[0].read_bytes()
    expected = post(url, content).json()["Details"]["Score"]
    for turn in range(10):
        rename(deployed, f"turn-{turn}")
        for _ in range(3):
            answer = post(url, content)
            assert answer.status_code == 200
            assert answer.json()["Details"]["Score"] == pytest.approx(expected)


def test_a_folder_that_vanishes_does_not_end_the_service(deployed: Path) -> None:
    model = LiveModel(deployed)
    shutil.move(deployed, deployed.parent / "elsewhere")
    reload = model.follow()
    assert reload is not None
    assert not reload.taken
    assert model.inference is not None
    assert model.follow() is None, "told once"


def test_a_signal_ends_the_service_when_what_is_inside_is_answered(fan_bundle: Path) -> None:
    with serving(fan_bundle) as running:
        host, port = running.url.removeprefix("http://").split(":")
        content = wav(noise())
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(
                b"POST /inference HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: %d\r\n\r\n"
                % len(content)
                + content[:100]
            )
            time.sleep(0.3)
            os.kill(running.process.pid, signal.SIGTERM)
            time.sleep(0.3)
            client.sendall(content[100:])
            answer = b""
            while block := client.recv(65536):
                answer += block
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"Probabilities" in answer
        assert running.process.wait(10) == -signal.SIGTERM


def test_logs_are_lines_of_json_with_the_request_id(fan_bundle: Path) -> None:
    with serving(fan_bundle) as running:
        post(running.url, wav(noise()), headers={"x-request-id": "job-8"})
        requests.get(f"{running.url}/v2/health/live", timeout=5)
        log = running.stop()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    (request,) = [line for line in lines if line["event"] == "request"]
    assert request["request_id"] == "job-8"
    assert (request["method"], request["path"], request["status"]) == ("POST", "/inference", 200)
    (verdict,) = [line for line in lines if line["event"] == "verdict"]
    assert verdict["request_id"] == "job-8"


def test_a_bundle_or_address_that_cannot_serve_is_one_clear_line(
    fan_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from stethoscope.cli import main

    assert main(["serve", str(tmp_path)]) == 1
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", str(fan_bundle), "--port", str(taken.getsockname()[1])]) == 2
    assert main(["serve", str(fan_bundle), "--port", "99999"]) == 2
    assert main(["serve", str(fan_bundle), "--max-seconds", "0"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("stethoscope: ") for line in lines)


def test_the_pages_load_nothing_from_elsewhere(service: str) -> None:
    for path in (
        "/",
        "/docs",
        "/page/page.js",
        "/page/page.css",
        "/page/docs.js",
        "/page/icon.svg",
    ):
        answer = requests.get(service + path, headers={"accept": "text/html"}, timeout=5)
        assert answer.status_code == 200
        addresses = set(re.findall(r"https?://[^\s\"'<>)]+", answer.text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path


def test_the_description_covers_every_address(service: str) -> None:
    description = requests.get(f"{service}/openapi.json", timeout=5).json()
    assert description["paths"].keys() == {
        "/inference", "/inference/batch", "/metrics", "/v2", "/v2/health/live", "/v2/health/ready",
        "/v2/models/{name}", "/v2/models/{name}/ready",
    }  # fmt: skip
    content = description["paths"]["/inference"]["post"]["requestBody"]["content"]
    assert {"multipart/form-data", "audio/wav"} <= content.keys()
