"""The self-test: it passes, and it finds changes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stethoscope.edge.c.layers import read_layers
from tests.edge.c_tools import CORE, SELFTEST, compile_c, run_selftest


def test_selftest_of_an_event_detector_passes(c_folder: Path, tmp_path: Path) -> None:
    done = run_selftest(c_folder, tmp_path / "selftest")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("ok")


def test_selftest_of_an_anomaly_detector_passes(c_anomaly: Path, tmp_path: Path) -> None:
    done = run_selftest(c_anomaly, tmp_path / "selftest")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", ["weight", "window", "evidence"])
def test_selftest_fails_after_a_change_of_one_number(
    c_folder: Path, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "c"
    shutil.copytree(c_folder, folder)
    source = (folder / "src/model.c").read_text()
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
    assert source != (folder / "src/model.c").read_text()
    (folder / "src/model.c").write_text(source)
    done = run_selftest(folder, tmp_path / "selftest")
    assert done.returncode == 1
    messages = {"weight": "bytes of the model", "window": "features differ"}
    assert messages.get(kind, "events differ") in done.stdout


def test_selftest_of_a_classifier_passes_and_finds_a_changed_window(
    made: Path, tmp_path: Path
) -> None:
    program = compile_c(made / "c", tmp_path / "selftest", *SELFTEST, *CORE)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    shutil.copytree(made / "c", tmp_path / "c")
    source = (tmp_path / "c" / "src/model.c").read_text()
    altered = re.sub(r"(FRAME_WINDOW\[512\] = \{\n\s*)[0-9.e+-]+f", r"\g<1>0.5f", source)
    assert altered != source
    (tmp_path / "c" / "src/model.c").write_text(altered)
    done = subprocess.run(
        [compile_c(tmp_path / "c", tmp_path / "other", *SELFTEST, *CORE)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "features differ" in done.stdout
