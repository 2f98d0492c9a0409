"""The example for ESP-IDF, compiled with stand-ins for its headers and fed with a recording."""

import subprocess
from pathlib import Path

import numpy as np

from stethoscope.files import read_json
from tests.edge.c_tools import CORE, compile_c, recording, require, run_listen
from tests.edge.clips import sound

STUBS = Path(__file__).parent / "stubs" / "esp"


def run_example(folder: Path, output: Path, pcm: np.ndarray) -> list[list[str]]:
    """Return the rows that the example prints."""
    require("gcc")
    (output.parent / "start.c").write_text(
        "void app_main(void);\nint main(void) { app_main(); return 0; }\n"
    )
    sources = (str(output.parent / "start.c"), "examples/esp32/main/main.c", *CORE)
    compile_c(folder, output, *sources, flags=(f"-I{STUBS}",))
    done = subprocess.run([output], input=pcm.astype("<i2").tobytes(), capture_output=True)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.decode().splitlines()]


def test_example_finds_the_events_of_the_program_for_files(
    c_folder: Path, beep_folder: Path, tmp_path: Path
) -> None:
    rows = run_example(c_folder, tmp_path / "example", recording(beep_folder))
    expected = run_listen(c_folder, tmp_path / "listen", beep_folder / "audio_07.wav")
    # A microphone has no end: an event that is in progress there is not reported.
    assert len(rows) >= len(expected) - 1 > 2
    assert rows == expected[: len(rows)]


def test_example_prints_probabilities_of_every_clip(made: Path, tmp_path: Path) -> None:
    clip = np.rint(sound("tone", 99, 4.0) * 32767).astype(np.int16)
    rows = run_example(made / "c", tmp_path / "example", clip)
    samples = read_json(made / "c" / "memory.json")["clip_ram"] // 2
    assert len(rows) == 2 * (len(clip) // samples)
    assert {row[0] for row in rows} == {"tone", "hiss"}
    assert rows[0][0] == "hiss"
    assert float(rows[1][1]) > 0.5
