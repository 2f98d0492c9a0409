"""The proof that exported C hears what the training code hears."""

import ctypes
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from stethoscope.bundle.bundle import Bundle
from stethoscope.cli import main
from stethoscope.edge.c.export import export_c
from stethoscope.edge.c.layers import read_layers
from stethoscope.edge.c.memory import smallest_arena
from stethoscope.errors import ModelError
from stethoscope.events.model import EventDetector, normalise, windows_of
from stethoscope.model.network import Int8Network, quantise
from tests.edge.conftest import CORE, compile_c, require

Samples = npt.NDArray[np.int16]


def recording(folder: Path, name: str = "07") -> Samples:
    samples, _ = soundfile.read(folder / f"audio_{name}.wav", dtype="int16")
    return np.asarray(samples)


def pointer(values: npt.NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.ctypes.data)


def c_frames(
    library: ctypes.CDLL, pcm: Samples, n_fft: int, hop: int, size: int
) -> npt.NDArray[np.float32]:
    frames = np.empty((1 + (len(pcm) - n_fft) // hop, size), dtype=np.float32)
    work = np.empty(n_fft)
    for index, frame in enumerate(frames):
        library.frontend_frame(
            pointer(np.ascontiguousarray(pcm[index * hop :][:n_fft])), pointer(frame), pointer(work)
        )
    return frames


@pytest.fixture
def loaded(library: Path) -> ctypes.CDLL:
    return ctypes.CDLL(str(library))


def test_c_features_equal_pythons(loaded: ctypes.CDLL, beep_folder: Path, beep_parts: Path) -> None:
    pcm = recording(beep_folder)
    rng = np.random.default_rng(0)
    loud = np.clip(9000 * rng.standard_normal(8000), -32768, 32767).astype(np.int16)
    tone = np.rint(32767 * np.sin(2 * np.pi * 437 * np.arange(8000) / 16000)).astype(np.int16)
    feature = EventDetector.open(beep_parts / "model").feature
    for sound in (pcm, loud, tone, np.zeros(2000, np.int16), np.full(2000, -32768, np.int16)):
        expected = feature.extract(sound.astype(np.float32) / np.float32(32768))
        assert np.abs(c_frames(loaded, sound, 256, 128, 48) - expected).max() <= 1e-5


def test_plain_c_answers_as_the_reference_kernels_do(loaded: ctypes.CDLL, beep_parts: Path) -> None:
    inputs = np.random.default_rng(0).integers(-128, 128, (500, 32 * 48), dtype=np.int8)
    answers = np.empty((500, 1), dtype=np.int8)
    assert loaded.network_init() == 0
    for given, answer in zip(inputs, answers, strict=True):
        assert loaded.network_run(pointer(given), pointer(answer)) == 0
    expected = Int8Network(beep_parts / "model" / "events_int8.tflite").steps(inputs)
    assert (answers == expected).all()


def test_c_front_end_and_microcontroller_runtime_decide_as_keras(
    loaded: ctypes.CDLL, beep_folder: Path, beep_parts: Path
) -> None:
    """The whole chain of a device: C features, C quantisation, TensorFlow Lite Micro; against
    Python features and Keras.
    """
    import keras

    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError:
        if os.environ.get("CI"):
            pytest.fail("tflite-micro is missing in CI")
        pytest.skip("tflite-micro is not installed")
    model = beep_parts / "model"
    detector = EventDetector.open(model, "int8")
    content = (model / "events_int8.tflite").read_bytes()
    network = read_layers(content, "events_int8.tflite")
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=smallest_arena(content) or 0)
    judge = keras.models.load_model(model / "events.keras")
    equal = total = 0
    for name in ("00", "03", "05", "07"):
        pcm = recording(beep_folder, name)
        frames = c_frames(loaded, pcm, 256, 128, 48)
        quantised = np.empty(frames.shape, dtype=np.int8)
        for frame, row in zip(frames, quantised, strict=True):
            loaded.detector_quantise(pointer(frame), pointer(row))
        micro = []
        for window in windows_of(quantised, 32, 8):  # type: ignore[arg-type]  # any type can be cut
            interpreter.set_input(window[np.newaxis], 0)
            interpreter.invoke()
            micro.append((interpreter.get_output(0).item() - network.out_zero) * network.out_scale)
        python = detector.feature.extract(pcm.astype(np.float32) / np.float32(32768))
        expected = np.asarray(
            judge(windows_of(normalise(python, detector.mean, detector.deviation), 32, 8))
        ).reshape(-1)
        equal += int(
            ((np.array(micro) > detector.threshold) == (expected > detector.threshold)).sum()
        )
        total += len(expected)
    assert equal / total >= 0.995, f"{equal} of {total} decisions are equal"


def test_the_compiled_program_lists_the_events_of_the_command(
    c_folder: Path,
    beep_folder: Path,
    beep_parts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    require("gcc")
    program = compile_c(c_folder, tmp_path / "listen", "example/listen.c", *CORE)
    file = beep_folder / "audio_07.wav"
    heard = subprocess.run([program, file], check=True, capture_output=True, text=True).stdout
    assert main(["events", str(beep_parts / "bundle"), str(file), "--network", "int8"]) == 0
    listed = json.loads(capsys.readouterr().out)["Events"]
    assert len(listed) > 3
    rows = [tuple(map(float, line.split("\t"))) for line in heard.splitlines()]
    assert [row[:2] for row in rows] == [(event["start"], event["end"]) for event in listed]
    assert [row[2] for row in rows] == pytest.approx(
        [event["score"] for event in listed], abs=2 / 256
    )


def test_the_same_answers_give_the_same_events(
    loaded: ctypes.CDLL, c_folder: Path, beep_parts: Path
) -> None:
    """Answers that nobody heard, of all kinds of events, decoded by C and by Python."""
    detector = EventDetector.open(beep_parts / "model", "int8")
    network = read_layers((beep_parts / "model" / "events_int8.tflite").read_bytes(), "x")
    state = ctypes.create_string_buffer(
        json.loads((c_folder / "memory.json").read_text())["detector_ram"]
    )
    heard: list[tuple[int, int, float]] = []

    class Heard(ctypes.Structure):
        _fields_ = [("start", ctypes.c_uint32), ("end", ctypes.c_uint32), ("score", ctypes.c_float)]

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(Heard))
    def on_event(_context: int, event: Any) -> None:
        heard.append((event.contents.start, event.contents.end, event.contents.score))

    rng = np.random.default_rng(1)
    for level, noise in ((60, 40), (110, 20), (30, 60), (90, 90)):
        lengths = rng.integers(1, 40, 200)
        clean = np.concatenate(
            [np.full(count, level if index % 2 else -level) for index, count in enumerate(lengths)]
        )
        answers = np.clip(clean + noise * rng.standard_normal(len(clean)), -128, 127).astype(
            np.int8
        )
        heard.clear()
        assert loaded.detector_init(state, None, on_event, None) == 0
        for answer in answers:
            loaded.detector_judge(state, int(answer))
        loaded.detector_finish(state)
        expected = detector.events(
            (answers.astype(np.float32) - np.float32(network.out_zero))
            * np.float32(network.out_scale)
        )
        assert len(expected) > 5
        assert [row[:2] for row in heard] == [
            (round(event.start * 16000), round(event.end * 16000)) for event in expected
        ]
        assert [row[2] for row in heard] == pytest.approx(
            [event.score for event in expected], rel=1e-6
        )


def selftest(folder: Path, output: Path) -> subprocess.CompletedProcess[str]:
    compile_c(folder, output, "selftest.c", "golden.c", *CORE)
    return subprocess.run([output], capture_output=True, text=True)


def test_the_self_test_passes(c_folder: Path, tmp_path: Path) -> None:
    require("gcc")
    done = selftest(c_folder, tmp_path / "selftest")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("ok")


def test_cmake_builds_what_is_exported(c_folder: Path, tmp_path: Path) -> None:
    require("cmake")
    subprocess.run(["cmake", "-S", c_folder, "-B", tmp_path], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", tmp_path], check=True, capture_output=True)
    assert subprocess.run([tmp_path / "selftest"], capture_output=True).returncode == 0
    assert (tmp_path / "listen").is_file()


@pytest.mark.parametrize("kind", ["weight", "window", "evidence"])
def test_the_self_test_fails_when_a_byte_is_flipped(
    c_folder: Path, tmp_path: Path, kind: str
) -> None:
    require("gcc")
    folder = tmp_path / "c"
    shutil.copytree(c_folder, folder)
    source = (folder / "model.c").read_text()
    if kind == "weight":
        layer = read_layers(
            (c_folder.parent / "models/events/events_int8.tflite").read_bytes(), "x"
        ).layers[0]
        head, body, rest = re.split(
            r"(?<=ALIGNED = \{\n)|(?=\};\n\nconst uint32_t model_size)", source
        )
        numbers = re.findall(r"0x[0-9a-f]{2}", body)
        numbers[layer.weights] = f"0x{int(numbers[layer.weights], 16) ^ 0x40:02x}"
        source = head + ", ".join(numbers) + "\n" + rest
    elif kind == "evidence":
        # Of the surest answer.
        source = re.sub(r"(EVIDENCE\[256\] = \{[^}]*, )[0-9.e+-]+f(,\n\})", r"\g<1>-4.0f\2", source)
    else:
        source = re.sub(r"(FRAME_WINDOW\[256\] = \{\n\s*)[0-9.e-]+", r"\g<1>0.5", source)
    assert source != (folder / "model.c").read_text()
    (folder / "model.c").write_text(source)
    done = selftest(folder, tmp_path / "selftest")
    assert done.returncode == 1
    messages = {"weight": "bytes of the model", "window": "features differ"}
    assert messages.get(kind, "events differ") in done.stdout


@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        ("arm-none-eabi-gcc", ("-mcpu=cortex-m4", "-mthumb", "--specs=nosys.specs", "-c")),
        (
            "riscv64-unknown-elf-gcc",
            ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs", "-c"),
        ),
    ],
)
def test_it_compiles_for_microcontrollers(
    c_folder: Path, tmp_path: Path, compiler: str, flags: tuple[str, ...]
) -> None:
    require(compiler)
    for source in CORE:
        compile_c(c_folder, tmp_path / "out.o", source, compiler=compiler, flags=flags)


def test_the_memory_report_tells_the_truth(c_folder: Path, library: Path, tmp_path: Path) -> None:
    require("gcc")
    memory = json.loads((c_folder / "memory.json").read_text())
    (tmp_path / "size.c").write_text(
        '#include <stdio.h>\n#include "detector.h"\nint main(void) { printf("%zu", sizeof(detector_t)); return 0; }\n'
    )
    program = compile_c(c_folder, tmp_path / "size", str(tmp_path / "size.c"))
    size = int(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
    assert size == memory["detector_ram"]
    # By hand: two convolutions of 3 frames and a dense layer, a run for every 8 frames of 8 ms.
    macs = (30 * 8 * 3 * 48 + 28 * 8 * 3 * 8 + 28 * 8) * 125 / 8
    assert macs < memory["macs_per_second"] < 2 * macs
    assert memory["model_flash"] <= 6144
    assert memory["plain_ram"] == 2 * 30 * 8
    if memory["arena_measured"]:
        assert memory["arena"] <= 5200
    assert all(verdict.startswith("fits") for verdict in memory["verdicts"].values())


def test_the_export_is_deterministic_and_bound_to_the_bundle(
    beep_parts: Path, tmp_path: Path
) -> None:
    bundle = beep_parts / "bundle"
    export_c(Bundle.open(bundle), tmp_path / "again")
    names = sorted(
        path.relative_to(bundle / "c").as_posix()
        for path in (bundle / "c").rglob("*")
        if path.is_file()
    )
    assert names == sorted(
        path.relative_to(tmp_path / "again").as_posix()
        for path in (tmp_path / "again").rglob("*")
        if path.is_file()
    )
    hashes = Bundle.open(bundle).manifest["files"]
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (bundle / "c" / name).read_bytes(), name
        assert hashes[f"c/{name}"] == hashlib.sha256((bundle / "c" / name).read_bytes()).hexdigest()
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    (copy / "c" / "model.h").write_text("#define SAMPLE_RATE 8000\n")
    with pytest.raises(ModelError, match=r"model\.h: was altered"):
        Bundle.open(copy)


def test_constants_have_the_names_that_the_field_uses(c_folder: Path) -> None:
    header = (c_folder / "model.h").read_text()
    wanted = {
        "SAMPLE_RATE": "16000",
        "FRAME_SIZE": "256",
        "FRAME_STRIDE": "128",
        "WINDOW_SIZE": "32",
        "WINDOW_STRIDE": "8",
        "SPECTRUM_SIZE": "48",
    }
    for name, value in wanted.items():
        assert re.search(rf"#define {name} {value}\b", header)
    assert re.search(r"#define SPECTRUM_MEAN [-+0-9.e]+f", header)
    assert re.search(r"#define SPECTRUM_STD [-+0-9.e]+f", header)


def test_quantisation_rounds_alike(loaded: ctypes.CDLL, beep_parts: Path) -> None:
    network = read_layers((beep_parts / "model" / "events_int8.tflite").read_bytes(), "x")
    detector = EventDetector.open(beep_parts / "model", "int8")
    frames = np.linspace(-5, 20, 48 * 100, dtype=np.float32).reshape(100, 48)
    expected = quantise(
        normalise(frames, detector.mean, detector.deviation), network.in_scale, network.in_zero
    )
    rows = np.empty_like(expected)
    for frame, row in zip(frames, rows, strict=True):
        loaded.detector_quantise(pointer(frame), pointer(row))
    assert (rows == expected).all()


def test_a_bundle_without_a_model_for_c_is_refused(
    fan_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(fan_bundle), "--target", "c", "--output", str(tmp_path / "c")]) == 1
    assert "detector" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()
