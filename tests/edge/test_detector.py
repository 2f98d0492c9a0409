"""An anomaly detector in C: the same proof as for events."""

import ctypes
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.golden import golden_sound
from stethoscope.cli import main
from stethoscope.edge.c.export import export_c
from stethoscope.edge.c.frontend import stream_frames
from stethoscope.edge.detector import edge_score, make_edge_detector
from stethoscope.errors import ModelError
from stethoscope.events.model import windows_of
from stethoscope.files import read_json
from stethoscope.model.network import Int8Network
from tests.edge.conftest import CORE, compile_c, require


@pytest.fixture(scope="module")
def edge_bundle(
    fan_bundle: Path, fan_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The bundle of the simulated fans with an int8 autoencoder in it, and its C in the folder `c`
    beside it.
    """
    folder = tmp_path_factory.mktemp("edge")
    shutil.copytree(fan_bundle, folder / "bundle")
    arguments = [
        "export",
        str(folder / "bundle"),
        "--target",
        "c",
        "--output",
        str(folder / "c"),
        "--recordings",
        str(fan_archive),
    ]
    assert main([*arguments, "--machine", "fan/00", "--max-drop", "0.2"]) == 0
    return folder / "bundle"


@pytest.fixture(scope="module")
def c_anomaly(edge_bundle: Path) -> Path:
    return edge_bundle.parent / "c"


def test_the_self_test_passes(c_anomaly: Path, tmp_path: Path) -> None:
    require("gcc")
    program = compile_c(c_anomaly, tmp_path / "selftest", "selftest.c", "golden.c", *CORE)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_c_features_equal_pythons(c_anomaly: Path, edge_bundle: Path, tmp_path: Path) -> None:
    require("gcc")
    library = ctypes.CDLL(
        str(compile_c(c_anomaly, tmp_path / "model.so", *CORE, flags=("-shared", "-fPIC")))
    )
    feature = Bundle.open(edge_bundle).detector.feature
    pcm = np.rint(golden_sound(feature.sample_rate, 1.0) * 32767).astype(np.int16)
    expected = stream_frames(feature, pcm.astype(np.float32) / np.float32(32768))
    work = np.empty(feature.n_fft, dtype=np.float32)
    for index, frame in enumerate(expected):
        got = np.empty_like(frame)
        part = np.ascontiguousarray(pcm[index * feature.hop_length :][: feature.n_fft])
        library.frontend_frame(*(ctypes.c_void_p(one.ctypes.data) for one in (part, got, work)))
        assert np.abs(got - frame).max() <= 1e-5 * np.abs(expected).max()


def test_the_compiled_program_judges_as_the_int8_network_does(
    c_anomaly: Path, edge_bundle: Path, tmp_path: Path
) -> None:
    """Two blocks of a recording, scored by Python from the frames that a stream gives."""
    require("gcc")
    feature = Bundle.open(edge_bundle).detector.feature
    soundfile.write(
        tmp_path / "long.wav",
        golden_sound(feature.sample_rate, 21.0),
        feature.sample_rate,
        subtype="PCM_16",
    )
    program = compile_c(c_anomaly, tmp_path / "listen", "example/listen.c", *CORE)
    heard = subprocess.run(
        [program, tmp_path / "long.wav"], check=True, capture_output=True, text=True
    ).stdout
    rows = [line.split("\t") for line in heard.splitlines()]
    samples, _ = soundfile.read(tmp_path / "long.wav", dtype="float32")
    frames = stream_frames(feature, samples)
    block = 5 * round(10 * feature.sample_rate / feature.hop_length / 5)
    network = Int8Network(edge_bundle / "models/detector/fan_int8.tflite")
    expected = [edge_score(network, frames[first : first + block], 5) for first in (0, block)]
    assert [float(row[2]) for row in rows] == pytest.approx(expected, rel=1e-3)
    threshold = read_json(edge_bundle / "models/detector/edge.json")["threshold"]
    assert [row[3] == "anomalous" for row in rows] == [score > threshold for score in expected]


def test_plain_c_and_the_microcontrollers_runtime_answer_as_litert(
    c_anomaly: Path, edge_bundle: Path, tmp_path: Path
) -> None:
    """Ten dense layers: plain C rounds as LiteRT does, TensorFlow Lite Micro rounds twice, which
    may add up to a few steps.
    """
    require("gcc")
    library = ctypes.CDLL(
        str(compile_c(c_anomaly, tmp_path / "model.so", *CORE, flags=("-shared", "-fPIC")))
    )
    file = edge_bundle / "models/detector/fan_int8.tflite"
    inputs = np.clip(np.rint(np.random.default_rng(0).normal(0, 40, (100, 160))), -128, 127).astype(
        np.int8
    )
    expected = Int8Network(file).steps(inputs)
    answers = np.empty_like(expected)
    assert library.network_init() == 0
    for given, answer in zip(inputs, answers, strict=True):
        assert (
            library.network_run(*(ctypes.c_void_p(one.ctypes.data) for one in (given, answer))) == 0
        )
    assert (answers == expected).all()
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    interpreter = runtime.Interpreter.from_bytes(file.read_bytes(), arena_size=100_000)
    found = re.search(r"GOLDEN_STEPS (\d+)", (c_anomaly / "golden.h").read_text())
    for given, wanted in zip(inputs, expected, strict=True):
        interpreter.set_input(given[np.newaxis], 0)
        interpreter.invoke()
        assert found
        assert np.abs(interpreter.get_output(0)[0].astype(int) - wanted).max() <= int(found[1])


def test_the_int8_score_is_the_mean_error_of_windows_that_do_not_overlap(edge_bundle: Path) -> None:
    network = Int8Network(edge_bundle / "models/detector/fan_int8.tflite")
    frames = np.random.default_rng(0).normal(-20, 5, (13, 32)).astype(np.float32)
    windows = windows_of(frames, 5, 5).reshape(2, 160)
    assert edge_score(network, frames, 5) == pytest.approx(
        np.mean([(network(w[np.newaxis])[0] - w) ** 2 for w in windows])
    )


def test_it_fits_an_esp32(c_anomaly: Path) -> None:
    memory = json.loads((c_anomaly / "memory.json").read_text())
    assert memory["arena"] <= 100_000
    assert memory["model_flash"] + memory["tables_flash"] <= 350_000
    assert memory["verdicts"]["ESP32"].startswith("fits")


def test_what_cannot_be_exported_says_what_can(
    fan_bundle: Path, fan_archive: Path, edge_bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="given by --recordings"):
        export_c(Bundle.open(fan_bundle), tmp_path / "c")
    with pytest.raises(ModelError, match="has no diagnosis, it has detector"):
        export_c(Bundle.open(fan_bundle), tmp_path / "c", role="diagnosis")
    with pytest.raises(ModelError, match="has no model of events"):
        export_c(Bundle.open(fan_bundle), tmp_path / "c", role="events")
    with pytest.raises(ModelError, match="'pump/00' does not tell which of fan is meant"):
        make_edge_detector(Bundle.open(edge_bundle), [fan_archive], machine="pump/00")
