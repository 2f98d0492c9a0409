"""The exported folder as a package, and its examples for boards.

The examples are compiled with stand-ins for the headers of ESP-IDF, Arduino and Zephyr, which give
them a recording as the sound of a microphone.
"""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from stethoscope import __version__
from stethoscope.edge.c.packages import package_values
from stethoscope.files import read_json
from tests.edge.c_tools import (
    CORE,
    EXAMPLES,
    POOLED,
    build_example,
    compile_c,
    recording,
    run_example,
    run_listen,
)
from tests.edge.clips import sound


@pytest.mark.parametrize("board", EXAMPLES)
def test_example_of_a_board_finds_the_events_of_the_program_for_files(
    board: str, c_folder: Path, beep_folder: Path, tmp_path: Path
) -> None:
    program = build_example(c_folder, board, tmp_path / "example")
    columns, *rows = run_example(program, recording(beep_folder))
    assert columns == ["start s", "end s", "reported at", "score", "class"]
    expected = run_listen(c_folder, tmp_path / "listen", beep_folder / "audio_07.wav")
    # A microphone has no end: an event that is in progress there is not reported.
    found = [row for row in rows if len(row) == len(columns)]
    assert len(found) >= len(expected) - 1 > 2
    assert found == expected[: len(found)]


def test_a_microphone_that_stopped_is_started_again(
    c_folder: Path, beep_folder: Path, tmp_path: Path
) -> None:
    """A driver of Zephyr stops where its queue is full."""
    flags = ("-DSTUB_STOPS_AT=10",)
    program = build_example(c_folder, "zephyr", tmp_path / "example", flags=flags)
    rows = run_example(program, recording(beep_folder))
    stops = [place for place, row in enumerate(rows) if row[0].startswith("the microphone stopped")]
    assert len(stops) == 2, "there, and at the end of the recording"
    assert any(len(row) == 5 for row in rows[stops[0] : stops[1]]), "events are found after it"
    assert rows[-1] == ["the microphone failed"]


@pytest.mark.parametrize("board", ["esp-idf", "zephyr"])
def test_example_prints_the_classes_of_every_clip_the_most_probable_first(
    board: str, made: Path, tmp_path: Path
) -> None:
    clip = np.rint(sound("tone", 99, 4.0) * 32767).astype(np.int16)
    columns, *rows = run_example(build_example(made / "c", board, tmp_path / "example"), clip)
    assert columns == ["class", "probability"]
    samples = read_json(made / "c" / "memory.json")["clip_ram"] // 2
    found = [row for row in rows if len(row) == 2]
    assert len(found) == 2 * (len(clip) // samples)
    assert {row[0] for row in found[::2]} == {"tone"}
    assert {row[0] for row in found[1::2]} == {"hiss"}
    assert float(found[0][1]) > 0.5


@pytest.mark.parametrize("board", EXAMPLES)
def test_example_of_the_default_detector_prints_verdict_and_machine(
    board: str, c_pooled: Path, fan_clip: npt.NDArray[np.int16], tmp_path: Path
) -> None:
    program = build_example(c_pooled, board, tmp_path / "example", POOLED)
    columns, *rows = run_example(program, fan_clip)
    assert columns == ["start s", "end s", "score", "verdict", "machine"]
    found = [row for row in rows if len(row) == len(columns)]
    assert len(found) > 1
    assert {(row[3] in ("normal", "anomalous"), row[4]) for row in found} == {(True, "00")}


def test_example_of_an_autoencoder_prints_verdicts_and_its_machine(
    c_anomaly: Path, fan_clip: npt.NDArray[np.int16], tmp_path: Path
) -> None:
    program = build_example(c_anomaly, "esp-idf", tmp_path / "example")
    done = subprocess.run([program], input=fan_clip.astype("<i2").tobytes(), capture_output=True)
    task, columns, *rows = done.stdout.decode().splitlines()
    assert task.endswith(" decides whether fan/00 sounds anomalous")
    assert columns.split("\t") == ["start s", "end s", "score", "verdict"]
    assert {row.split("\t")[3] for row in rows} <= {"normal", "anomalous"}
    assert rows


@pytest.fixture(scope="module")
def fan_clip() -> npt.NDArray[np.int16]:
    """Noise of 25 s: more than two blocks of a detector."""
    noise = np.random.default_rng(0).standard_normal(25 * 16000)
    return np.rint(3000 * np.clip(noise, -4, 4)).astype(np.int16)


def test_readme_has_a_program_that_compiles_and_names_files_that_exist(
    c_folder: Path,
    c_anomaly: Path,
    c_pooled: Path,
    make_classifier: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    for folder in (c_folder, c_anomaly, c_pooled, make_classifier("mel-cnn") / "c"):
        text = (folder / "README.md").read_text()
        (program,) = re.findall(r"^```c$(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        (tmp_path / "program.c").write_text(program)
        compile_c(folder, tmp_path / "program.o", str(tmp_path / "program.c"), flags=("-c",))
        for row in re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE):
            for name in re.findall(r"`([^`]*)`", row):
                assert list(folder.glob(name)), name


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
