import shutil
import signal
import threading
from pathlib import Path

import psutil
import pytest
import requests

from stethoscope.bundle.edit import sign_bundle
from stethoscope.bundle.seal import seal
from stethoscope.bundle.signature import read_private_key
from stethoscope.errors import ModelError
from stethoscope.files import read_json
from stethoscope.serve import app, limits, processes
from stethoscope.serve.model import LiveModel
from stethoscope.serve.processes import ForkServer
from tests.bundle.test_signature import make_keys
from tests.serve.helpers import Start, metric, post, wait


@pytest.fixture
def deployed(fan_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fan_bundle, tmp_path / "deployed"))


def rename(bundle: Path, name: str) -> None:
    (bundle / "bundle.json").write_bytes(seal({**read_json(bundle / "bundle.json"), "name": name}))


def test_new_bundle_is_served_and_corrupt_one_is_refused_and_reported(
    start: Start, deployed: Path, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "RELOAD_SECONDS", 0.05)
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
    monkeypatch.setattr(app, "RELOAD_SECONDS", 0.02)
    url = start(deployed)
    content = recordings[0].read_bytes()
    expected = post(url, content).json()["Details"]["Score"]
    for turn in range(10):
        rename(deployed, f"turn-{turn}")
        for _ in range(3):
            answer = post(url, content)
            assert answer.status_code == 200
            assert answer.json()["Details"]["Score"] == pytest.approx(expected)


def test_removed_folder_does_not_end_the_service(deployed: Path) -> None:
    model = LiveModel(deployed)
    shutil.move(deployed, deployed.parent / "elsewhere")
    reload = model.reload_if_changed()
    assert reload is not None
    assert not reload.accepted
    assert model.reload_if_changed() is None, "the failure is reported once"
    model.server.fork().end()
    model.close()


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGSTOP])
def test_bundle_that_ends_or_stops_the_process_that_opens_it_is_refused(
    deployed: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    model = LiveModel(deployed)
    monkeypatch.setattr(limits, "OPEN_SECONDS", 1)
    monkeypatch.setattr(processes, "_FORK_SECONDS", 1.0)
    before = set(psutil.Process().children())

    def interrupt() -> None:
        wait(lambda: set(psutil.Process().children()) - before)
        for opening in set(psutil.Process().children()) - before:
            opening.send_signal(number)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    rename(deployed, "second")
    reload = model.reload_if_changed()
    interrupting.join()
    assert reload is not None
    assert not reload.accepted
    assert "ended or stopped the process" in reload.message
    assert model.name != "second"
    model.server.fork().end()
    model.close()


def test_unsigned_bundle_is_not_served_where_a_signature_is_required(
    deployed: Path, tmp_path: Path
) -> None:
    private, public = make_keys(tmp_path, "key")
    with pytest.raises(ModelError, match="has no signature"):
        LiveModel(deployed, ForkServer(deployed, public))
    sign_bundle(deployed, read_private_key(private))
    model = LiveModel(deployed, ForkServer(deployed, public))
    rename(deployed, "unsigned")
    reload = model.reload_if_changed()
    assert reload is not None
    assert not reload.accepted
    assert "signature" in reload.message
    model.close()
