"""Events in C, compared with Python and Keras."""

import ctypes
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stethoscope.cli import main
from stethoscope.edge.c.layers import read_layers
from stethoscope.edge.c.memory import smallest_arena
from stethoscope.events.model import EventDetector, normalise, windows_of
from tests.edge.c_tools import c_frames, pointer, recording, run_listen


def test_front_end_in_c_with_tensorflow_lite_micro_decides_as_keras(
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
    threshold = detector.classes[0].threshold
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
        equal += int(((np.array(micro) > threshold) == (expected > threshold)).sum())
        total += len(expected)
    assert equal / total >= 0.995, f"{equal} of {total} decisions are equal"


def test_compiled_program_prints_the_events_of_the_command(
    c_folder: Path,
    beep_folder: Path,
    beep_parts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = beep_folder / "audio_07.wav"
    printed = run_listen(c_folder, tmp_path / "listen", file)
    assert main(["events", str(beep_parts / "bundle"), str(file), "--network", "int8"]) == 0
    listed = json.loads(capsys.readouterr().out)["Events"]
    assert len(listed) > 3
    assert {row[4] for row in printed} == {event["label"] for event in listed} == {"Beep"}
    rows = [tuple(map(float, row[:4])) for row in printed]
    assert [row[:3] for row in rows] == [
        (event["start"], event["end"], event["reported_at"]) for event in listed
    ]
    assert [row[3] for row in rows] == pytest.approx(
        [event["score"] for event in listed], abs=2 / 256
    )


def test_equal_outputs_of_the_network_give_equal_events(
    loaded: ctypes.CDLL, c_folder: Path, beep_parts: Path
) -> None:
    """Invented outputs of the network, of many kinds of events, decoded by C and by Python."""
    detector = EventDetector.open(beep_parts / "model", "int8")
    network = read_layers((beep_parts / "model" / "events_int8.tflite").read_bytes(), "x")
    state = ctypes.create_string_buffer(
        json.loads((c_folder / "memory.json").read_text())["detector_ram"]
    )
    found: list[tuple[int, int, int, float]] = []

    class Found(ctypes.Structure):
        _fields_ = [
            ("start", ctypes.c_uint32),
            ("end", ctypes.c_uint32),
            ("reported_at", ctypes.c_uint32),
            ("score", ctypes.c_float),
            ("class_index", ctypes.c_int),
        ]

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(Found))
    def on_event(_context: int, event: Any) -> None:
        one = event.contents
        found.append((one.start, one.end, one.reported_at, one.score))

    rng = np.random.default_rng(1)
    for level, noise in ((60, 40), (110, 20), (30, 60), (90, 90)):
        lengths = rng.integers(1, 40, 200)
        clean = np.concatenate(
            [np.full(count, level if index % 2 else -level) for index, count in enumerate(lengths)]
        )
        answers = np.clip(clean + noise * rng.standard_normal(len(clean)), -128, 127).astype(
            np.int8
        )
        found.clear()
        assert loaded.detector_init(state, None, on_event, None) == 0
        for answer in answers[:, np.newaxis]:
            loaded.decision_take(state, pointer(answer))
        loaded.detector_finish(state)
        expected = detector.events(
            (answers[:, np.newaxis].astype(np.float32) - np.float32(network.out_zero))
            * np.float32(network.out_scale)
        )
        assert len(expected) > 5
        assert [row[:3] for row in found] == [
            tuple(round(time * 16000) for time in (event.start, event.end, event.reported_at))
            for event in expected
        ]
        assert [row[3] for row in found] == pytest.approx(
            [event.score for event in expected], rel=1e-6
        )
