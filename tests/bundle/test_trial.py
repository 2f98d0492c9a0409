import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.manifest import update_manifest
from stethoscope.bundle.trial import limit_resources, try_bundle, try_in_process
from stethoscope.cli import main
from stethoscope.errors import ModelError
from stethoscope.files import read_json, write_json
from stethoscope.model.network import Network


def test_sound_bundle_is_reported(sealed: Path) -> None:
    found = try_in_process(sealed)
    assert found == {
        "digest": Bundle.open(sealed).seal.digest,
        "signed": False,
        "schema_version": 3,
        "name": "sealed",
        "roles": ["detector", "events"],
        "machines": ["fan/00", "fan/02"],
        "files": 18,
    }


def test_threshold_of_a_machine_that_the_detector_does_not_know_is_refused(sealed: Path) -> None:
    thresholds = read_json(sealed / "bundle.json")["thresholds"]
    machines = {**thresholds["machines"], "pump/00": thresholds["machines"]["fan/00"]}
    update_manifest(sealed, thresholds={**thresholds, "machines": machines}, machines=[*machines])
    with pytest.raises(ModelError, match="machine type 'pump' is not among those trained on"):
        try_bundle(Bundle.open(sealed))


def test_feature_that_computes_other_frames_is_refused(sealed: Path) -> None:
    path = sealed / "models/detector/feature.json"
    write_json(path, {**read_json(path), "power": 1.0})
    update_manifest(sealed, changed=["models"])
    with pytest.raises(ModelError, match="computes other frames of the golden sound"):
        try_bundle(Bundle.open(sealed))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", r"crashed \(SIGSEGV\)"),
        ("import time; time.sleep(60)", "was not opened within 0.5 s"),
        ("import sys; sys.exit(3)", "ended with status 3"),
    ],
)
def test_crash_of_the_process_becomes_an_error_that_names_the_bundle(
    sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, message: str
) -> None:
    (tmp_path / "crash.py").write_text(program)
    monkeypatch.setattr("stethoscope.bundle.trial.__name__", "crash")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelError, match=f"{sealed}.*{message}"):
        try_in_process(sealed, seconds=0.5 if "sleep" in program else 30)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), r"crashed \(SIGSEGV\)"),
        (lambda: time.sleep(60), "did not end within 1 s"),
    ],
)
def test_network_that_crashes_or_holds_up_its_runtime_is_an_error_of_a_command(
    sealed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    act: Callable[[], object],
    message: str,
) -> None:
    def run_network(*_arguments: object, **_options: object) -> object:
        return act()

    monkeypatch.setattr(Network, "__call__", run_network)
    monkeypatch.setattr("stethoscope.bundle.trial.SECONDS", 1)
    assert main(["predict", str(sealed), "clip.wav"]) == 1
    assert re.search(f"{sealed}.*{message}.*export the model again", capsys.readouterr().err)


def test_memory_beyond_the_limit_is_not_given() -> None:
    reading, writing = os.pipe()
    if not (child := os.fork()):
        limit_resources(256 << 20)
        try:
            bytearray(1 << 30)
        except MemoryError:
            os.write(writing, b"refused")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        assert answer.read() == b"refused"
