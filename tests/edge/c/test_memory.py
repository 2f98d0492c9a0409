"""The memory report, compared with the compiler and with hand counts."""

import json
import subprocess
from pathlib import Path

from stethoscope.classification.model import Classifier
from stethoscope.files import read_json
from tests.edge.c_tools import compile_c, require


def test_memory_report_of_an_event_detector_equals_hand_counts(
    c_folder: Path, tmp_path: Path
) -> None:
    require("gcc")
    memory = json.loads((c_folder / "memory.json").read_text())
    (tmp_path / "size.c").write_text(
        '#include <stdio.h>\n#include "detector.h"\n'
        'int main(void) { printf("%zu", sizeof(detector_t)); return 0; }\n'
    )
    program = compile_c(c_folder, tmp_path / "size", str(tmp_path / "size.c"))
    size = int(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
    assert size == memory["detector_ram"]
    # By hand: two convolutions of 3 frames and a dense layer, a run for every 8 frames of 8 ms.
    macs = (30 * 8 * 3 * 48 + 28 * 8 * 3 * 8 + 28 * 8) * 125 / 8
    assert macs < memory["macs_per_second"] < 2 * macs
    assert memory["model_flash"] <= 6144
    assert memory["plain_ram"] == 2 * (30 * 8 + 1)
    if memory["arena_measured"]:
        assert memory["arena"] <= 5200
    verdicts = memory["verdicts"]
    assert verdicts.pop("Cortex-M0+, 264 kB").startswith("does not fit: 11")  # % of its time
    assert all(verdict.startswith("fits") for verdict in verdicts.values())


def test_verdict_follows_from_instructions_and_memory(c_pooled: Path) -> None:
    memory = read_json(c_pooled / "memory.json")
    share = 1.5 * memory["instructions"]["Cortex-M4F"] / 64e6
    longest = 1.5 * memory["longest_call"]["Cortex-M4F"] / 64e3
    expected = f"fits, {100 * share:.0f} % of its time; longest call {longest:.0f} ms"
    assert memory["verdicts"]["Cortex-M4, 256 kB"] == expected
    assert expected in (c_pooled / "MEMORY.md").read_text()


def test_anomaly_detector_fits_an_esp32(c_anomaly: Path) -> None:
    memory = json.loads((c_anomaly / "memory.json").read_text())
    assert memory["arena"] <= 100_000
    assert memory["model_flash"] + memory["tables_flash"] <= 350_000
    assert memory["verdicts"]["ESP32"].startswith("fits")


def test_clip_of_a_classifier_counts_as_memory(made: Path) -> None:
    window = Classifier.open(made / "model").window
    assert read_json(made / "c" / "memory.json")["clip_ram"] == 2 * (window - 1) * 256
