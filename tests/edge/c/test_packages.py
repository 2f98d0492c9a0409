"""The exported folder as a package, and its examples for boards.

The examples are compiled with stand-ins for the headers of ESP-IDF, Arduino and Zephyr, which give
them a recording as the sound of a microphone.
"""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from stethoscope import __version__
from stethoscope.edge.c.packages import package_values
from stethoscope.files import read_json
from tests.edge.c_tools import CORE, POOLED, compile_c, recording, require, run_listen
from tests.edge.clips import sound

STUBS = Path(__file__).parent / "stubs"
EXAMPLES = {
    "esp-idf": ("examples/esp32/main/main.c", ("esp",), ()),
    "zephyr": ("examples/zephyr/src/main.c", ("zephyr",), ()),
    "arduino": ("examples/microphone/microphone.ino", ("arduino",), ()),
    "arduino-esp32": (
        "examples/microphone/microphone.ino",
        ("arduino", "esp"),
        ("-DARDUINO_ARCH_ESP32",),
    ),
}
"""Program, stand-ins and flags of every example."""


def build_example(folder: Path, board: str, output: Path, sources: tuple[str, ...] = CORE) -> Path:
    """Compile the example of a board."""
    require("gcc")
    program, stubs, flags = EXAMPLES[board]
    more = (*flags, *(f"-I{STUBS / stub}" for stub in stubs), f"-I{(folder / program).parent}")
    if program.endswith(".ino"):
        require("g++")
        objects = []
        for source in sources:
            objects.append(str(output.parent / f"{Path(source).stem}.o"))
            compile_c(folder, Path(objects[-1]), source, flags=("-c",))
        strict = ("-std=gnu++2a", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror")
        command = ["g++", *strict, "-Isrc", *more, "-x", "c++", program, "-x", "none", *objects]
        done = subprocess.run(
            [*command, "-o", output, "-lm"], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return output
    if board == "esp-idf":
        start = output.parent / "start.c"
        start.write_text("void app_main(void);\nint main(void) { app_main(); return 0; }\n")
        sources = (str(start), *sources)
    return compile_c(folder, output, program, *sources, flags=more)


def run_example(program: Path, pcm: np.ndarray) -> list[list[str]]:
    """Return the rows that an example prints of a recording."""
    done = subprocess.run([program], input=pcm.astype("<i2").tobytes(), capture_output=True)
    assert not done.stderr
    return [line.split("\t") for line in done.stdout.decode().splitlines()]


@pytest.mark.parametrize("board", EXAMPLES)
def test_example_of_a_board_finds_the_events_of_the_program_for_files(
    board: str, c_folder: Path, beep_folder: Path, tmp_path: Path
) -> None:
    program = build_example(c_folder, board, tmp_path / "example")
    rows = run_example(program, recording(beep_folder))
    expected = run_listen(c_folder, tmp_path / "listen", beep_folder / "audio_07.wav")
    # A microphone has no end: an event that is in progress there is not reported.
    found = [row for row in rows if len(row) == len(expected[0])]
    assert len(found) >= len(expected) - 1 > 2
    assert found == expected[: len(found)]


def test_example_prints_probabilities_of_every_clip(made: Path, tmp_path: Path) -> None:
    clip = np.rint(sound("tone", 99, 4.0) * 32767).astype(np.int16)
    rows = run_example(build_example(made / "c", "esp-idf", tmp_path / "example"), clip)
    samples = read_json(made / "c" / "memory.json")["clip_ram"] // 2
    assert len(rows) == 2 * (len(clip) // samples)
    assert {row[0] for row in rows} == {"tone", "hiss"}
    assert rows[0][0] == "hiss"
    assert float(rows[1][1]) > 0.5


def test_examples_of_the_default_detector_compile(c_pooled: Path, tmp_path: Path) -> None:
    for board in EXAMPLES:
        build_example(c_pooled, board, tmp_path / "example", POOLED)


def test_source_root_holds_the_library_alone(c_folder: Path) -> None:
    """An Arduino IDE and PlatformIO compile every source below ``src``."""
    sources = {path.name for path in (c_folder / "src").rglob("*") if path.suffix != ".h"}
    assert sources == {Path(name).name for name in CORE}
    for program in ("examples/microphone/microphone.ino", "examples/computer/listen.c"):
        text = (c_folder / program).read_text()
        for name in re.findall(r'#include "(.*)"', text):
            assert (c_folder / program).with_name(name).is_file(), "an example is moved alone"


def test_manifests_state_version_and_licence(c_folder: Path) -> None:
    version = re.match(r"\d+\.\d+\.\d+", __version__)
    assert version
    idf = yaml.safe_load((c_folder / "idf_component.yml").read_text())
    platformio = json.loads((c_folder / "library.json").read_text())
    for manifest in (idf, platformio):
        assert manifest["version"] == version[0]
        assert manifest["license"] == "Apache-2.0"
    arduino = dict(
        line.split("=", 1) for line in (c_folder / "library.properties").read_text().splitlines()
    )
    assert arduino["version"] == version[0]
    assert arduino["name"] == platformio["name"] == "stethoscope_model"
    assert (c_folder / "src" / arduino["includes"]).is_file()
    module = yaml.safe_load((c_folder / "zephyr" / "module.yml").read_text())
    assert (c_folder / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert "config STETHOSCOPE_MODEL\n" in (c_folder / module["build"]["kconfig"]).read_text()


def test_names_of_models_cannot_break_a_manifest() -> None:
    assert package_values('a: "b"\n{x}', "")["sentence"] == (
        "Sound detector a b x exported by stethoscope"
    )
