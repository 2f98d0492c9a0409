"""A classifier of clips in C: the same proof as for events."""

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

from stethoscope.classification.model import Classifier, cover, prepare
from stethoscope.classification.options import ClassFit
from stethoscope.classification.train import train_classifier
from stethoscope.datasets.layouts import index
from stethoscope.diagnosis.model import References
from stethoscope.edge.c.export import export_classifier_c
from stethoscope.edge.classifier import (
    EdgeClassifier,
    make_edge_classifier,
    without_normalisation,
)
from stethoscope.errors import ModelError
from stethoscope.features.extract import extract_features
from stethoscope.files import read_json, write_json
from stethoscope.model.network import Int8Network, softmax
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes
from tests.edge.conftest import CORE, compile_c, require

FEATURES = {
    "mfcc-cnn": Mfcc(n_fft=512, hop_length=256, n_mels=40, n_mfcc=16),
    "mel-cnn": LogMel(n_fft=512, hop_length=256, n_mels=24, pad_mode="constant"),
}
RATE = 8000


def sound(label: str, seed: int, seconds: float) -> np.ndarray:
    """A tone that wavers, or hiss that comes and goes; silence in between."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * rng.uniform(400, 700) * time + 3 * np.sin(2 * np.pi * 3 * time))
    quiet = 0.002 * rng.standard_normal(len(time))
    loud = (
        tone
        if label == "tone"
        else rng.standard_normal(len(time)) * (np.sin(2 * np.pi * 2 * time) > 0)
    )
    return np.asarray(np.clip(0.2 * loud + quiet, -1, 1), dtype=np.float32)


def export_in_a_fresh_process(model: Path, output: Path, recordings: Path, *more: str) -> None:
    """Keras numbers its layers per process: names that clash do so in a fresh one only."""
    command = [sys.executable, "-m", "stethoscope", "export", model, "--target", "c"]
    arguments = ["--output", output, "--recordings", recordings, "--max-drop", "0.1", *more]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", params=sorted(FEATURES))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings, a model and its C."""
    require("gcc")
    folder = tmp_path_factory.mktemp("classes")
    for label in ("tone", "hiss"):
        (folder / "recordings" / label).mkdir(parents=True)
        for number in range(6):
            samples = sound(label, number, 1.0 + 0.1 * number)
            soundfile.write(
                folder / "recordings" / label / f"{label}{number}.wav",
                samples,
                RATE,
                subtype="PCM_16",
            )
    table = index([folder / "recordings"], "folders")
    store = extract_features(
        [folder / "recordings"], table, FEATURES[request.param], folder / "store", min_frames=1
    )
    fit = ClassFit(
        network=request.param,
        filters=(6, 8),
        epochs=12,
        batch_size=4,
        learning_rate=0.02,
        validation_split=0.0,
        mixup=0.0,
        verbose=0,
    )
    train_classifier(store, [clip.label for clip in store.clips], fit, folder / "model")
    export_in_a_fresh_process(
        folder / "model", folder / "c", folder / "recordings", "--layout", "folders"
    )
    return folder


def test_normalisation_and_softmax_outside_change_nothing(made: Path) -> None:
    model = keras.models.load_model(made / "model" / "classifier.keras")
    network, mean, deviation = without_normalisation(model)
    given = np.random.default_rng(0).normal(-40, 15, (8, *model.input_shape[1:])).astype(np.float32)
    logits = np.asarray(network((given - mean) / deviation))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert chances == pytest.approx(np.asarray(model(given)), abs=1e-4)


def test_the_self_test_passes_and_notices_another_transform(made: Path, tmp_path: Path) -> None:
    program = compile_c(made / "c", tmp_path / "selftest", "selftest.c", "golden.c", *CORE)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    shutil.copytree(made / "c", tmp_path / "c")
    source = (tmp_path / "c" / "model.c").read_text()
    altered = re.sub(r"(FRAME_WINDOW\[512\] = \{\n\s*)[0-9.e+-]+f", r"\g<1>0.5f", source)
    assert altered != source
    (tmp_path / "c" / "model.c").write_text(altered)
    done = subprocess.run(
        [compile_c(tmp_path / "c", tmp_path / "other", "selftest.c", "golden.c", *CORE)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "features differ" in done.stdout


def test_c_features_equal_pythons(made: Path, tmp_path: Path) -> None:
    library = ctypes.CDLL(
        str(compile_c(made / "c", tmp_path / "model.so", *CORE, flags=("-shared", "-fPIC")))
    )
    feature = Classifier.open(made / "model").feature
    library.detector_floor.restype = ctypes.c_float
    state = ctypes.create_string_buffer(1 << 20)
    for pcm in (sound("hiss", 50, 1.3), sound("tone", 51, 0.4), np.zeros(3000, np.float32)):
        samples = np.rint(pcm * 32767).astype(np.int16)
        expected = prepare(feature.extract(samples.astype(np.float32) / np.float32(32768)), feature)
        pointer, count = ctypes.c_void_p(samples.ctypes.data), ctypes.c_size_t(len(samples))
        floor = ctypes.c_float(library.detector_floor(state, pointer, count))
        n_bands = feature.n_mels if isinstance(feature, Mfcc | LogMel) else 0
        place = 2 * feature.n_fft + 4 * feature.n_fft + 4 * n_bands
        for number, frame in enumerate(expected):
            library.detector_frame(state, pointer, count, ctypes.c_size_t(number), floor)
            got = np.frombuffer(state.raw[place : place + 4 * feature.size], dtype=np.float32)
            assert np.abs(got - frame).max() <= 1e-5 * max(1.0, np.abs(expected).max()), number


@pytest.mark.parametrize("seconds", [0.3, 1.25, 3.4])
def test_the_compiled_program_answers_as_the_int8_network(
    made: Path, tmp_path: Path, seconds: float
) -> None:
    """Clips shorter than the window, as long, and of several windows."""
    program = compile_c(made / "c", tmp_path / "listen", "example/listen.c", *CORE)
    edge, feature = EdgeClassifier.read(made / "model"), Classifier.open(made / "model").feature
    int8 = Int8Network(made / "model" / "classifier_int8.tflite")
    equal = 0
    for label in ("tone", "hiss"):
        soundfile.write(tmp_path / "clip.wav", sound(label, 99, seconds), RATE, subtype="PCM_16")
        heard = subprocess.run(
            [program, tmp_path / "clip.wav"], check=True, capture_output=True, text=True
        ).stdout
        rows = dict(line.split("\t") for line in heard.splitlines())
        samples, _ = soundfile.read(tmp_path / "clip.wav", dtype="float32")
        windows = edge.windows(prepare(feature.extract(samples), feature))
        expected = softmax(int8(windows)).mean(axis=0)
        assert list(rows) == list(edge.labels)
        assert [float(value) for value in rows.values()] == pytest.approx(
            expected.tolist(), abs=0.03
        )
        equal += max(rows, key=lambda name: float(rows[name])) == label
    assert equal == 2 or seconds < 1


def test_plain_c_answers_as_the_reference_kernels_do(made: Path, tmp_path: Path) -> None:
    """Convolution, largest and mean values, dense layer; noise, which is nothing that the network
    knows.
    """
    library = ctypes.CDLL(
        str(compile_c(made / "c", tmp_path / "model.so", *CORE, flags=("-shared", "-fPIC")))
    )
    edge = EdgeClassifier.read(made / "model")
    inputs = np.random.default_rng(0).integers(
        -128, 128, (60, edge.window * len(edge.mean)), dtype=np.int8
    )
    expected = Int8Network(made / "model" / "classifier_int8.tflite").steps(inputs)
    assert library.network_init() == 0
    answers = np.empty_like(expected)
    for given, answer in zip(inputs, answers, strict=True):
        assert (
            library.network_run(
                ctypes.c_void_p(given.ctypes.data), ctypes.c_void_p(answer.ctypes.data)
            )
            == 0
        )
    assert np.abs(answers.astype(int) - expected).max() <= 1
    assert (answers == expected).mean() > 0.9


def test_a_machines_reference_is_taken_off_before_the_network(made: Path, tmp_path: Path) -> None:
    """A diagnosis hears deviations from normal: the mean by which C normalises holds the machine's
    normal sound as well.
    """
    if not isinstance(Classifier.open(made / "model").feature, Mfcc):
        pytest.skip("a diagnosis hears cepstra")
    shutil.copytree(made / "model", tmp_path / "model")
    shift = np.linspace(-2, 2, 16).astype(np.float32)
    edge = make_edge_classifier(
        tmp_path / "model",
        [made / "recordings"],
        layout="folders",
        references=References({"fan/00": shift}),
        max_drop=1.0,
    )
    assert edge.mean - shift == pytest.approx(EdgeClassifier.read(made / "model").mean, abs=1e-4)
    frames = np.random.default_rng(0).normal(0, 5, (edge.window, 16)).astype(np.float32)
    plain = EdgeClassifier.read(made / "model").windows(frames - shift)
    assert edge.windows(frames) == pytest.approx(plain, abs=1e-4)
    assert edge.windows(frames) == pytest.approx(
        (cover(frames, edge.window) - edge.mean) / edge.deviation
    )


def test_what_cannot_be_converted_says_what_can(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made / "model", tmp_path / "model")
    (tmp_path / "model" / "edge.json").unlink()
    with pytest.raises(ModelError, match="given by --recordings"):
        export_classifier_c(tmp_path / "model", tmp_path / "c")
    feature = Planes(of=FEATURES["mel-cnn"], channels=2).to_json()
    write_json(
        tmp_path / "model" / "feature.json",
        {**feature, "of": {**feature["of"], "sample_rate": RATE}},
    )
    with pytest.raises(ModelError, match="class_channels=1"):
        make_edge_classifier(tmp_path / "model", [made / "recordings"], layout="folders")
    assert not (tmp_path / "c").exists()
    assert (
        read_json(made / "c" / "memory.json")["clip_ram"]
        == 2 * (Classifier.open(made / "model").window - 1) * 256
    )
