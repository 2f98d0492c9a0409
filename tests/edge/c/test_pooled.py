"""The default detector in C, compared with Python."""

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
from stethoscope.edge.pooled import EdgePooledScorer
from tests.edge.c_tools import LISTEN, POOLED, SELFTEST, compile_c, require

RATE = 16000


@pytest.fixture(scope="module")
def listen(c_pooled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example for WAV files, for the machine fan/00."""
    require("gcc")
    program = tmp_path_factory.mktemp("listen") / "listen"
    return compile_c(c_pooled, program, LISTEN, *POOLED)


def sound_of(seconds: float, seed: int) -> np.ndarray:
    """Return the golden sound with noise that fluctuates, as 16-bit PCM."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    noise = rng.standard_normal(len(time)) * (1 + 0.8 * np.sin(2 * np.pi * 3.3 * time)) / 20
    return np.rint(30000 * np.clip(golden_sound(RATE, seconds)[: len(time)] / 2 + noise, -1, 1))


def rows_of(listen: Path, pcm: np.ndarray, folder: Path) -> list[list[str]]:
    soundfile.write(folder / "clip.wav", pcm.astype(np.int16), RATE, subtype="PCM_16")
    done = subprocess.run([listen, folder / "clip.wav"], check=True, capture_output=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("samples", [15872, 16000, 9000, 8192, 4096, 3000])
def test_c_scores_a_clip_as_the_rounded_detector_does(
    listen: Path, pooled_bundle: Bundle, tmp_path: Path, samples: int
) -> None:
    """Clips of a block and shorter, of odd and even numbers of frames, that end on a frame or
    beside it.
    """
    pcm = sound_of(samples / RATE, samples)
    (row,) = rows_of(listen, pcm, tmp_path)
    scorer = EdgePooledScorer(pooled_bundle.detector)  # type: ignore[arg-type]
    frames = scorer.feature.extract((pcm / 32768).astype(np.float32))
    expected = scorer.score(frames, "fan/00")
    assert float(row[2]) == pytest.approx(expected, abs=0.01)
    threshold = pooled_bundle.thresholds.threshold("fan/00")
    assert (row[3] == "anomalous") == (float(row[2]) > threshold)


def test_long_stream_gets_a_verdict_per_block(
    listen: Path, pooled_bundle: Bundle, tmp_path: Path
) -> None:
    scorer = EdgePooledScorer(pooled_bundle.detector)  # type: ignore[arg-type]
    block = (scorer.block_frames("fan") - 1) * 512 + 256
    pcm = sound_of((2 * block + 5000) / RATE, 1)
    rows = rows_of(listen, pcm, tmp_path)
    assert [round(float(row[1]) * RATE) for row in rows] == pytest.approx([block, 2 * block], abs=2)
    for number, row in enumerate(rows):
        part = (pcm[number * block : (number + 1) * block] / 32768).astype(np.float32)
        expected = scorer.score(scorer.feature.extract(part), "fan/00")
        assert float(row[2]) == pytest.approx(expected, abs=0.01)


def test_selftest_finds_a_changed_number(c_pooled: Path, tmp_path: Path) -> None:
    require("gcc")
    shutil.copytree(c_pooled, tmp_path / "c")
    source = (tmp_path / "c/src/model.c").read_text()
    for name, message in (("FACTORS", "bytes of the model"), ("MEANS", "score of the golden")):
        altered = re.sub(rf"({name}\[\d+\] = \{{\n\s*)[^,]+", r"\g<1>7", source)
        assert altered != source
        (tmp_path / "c/src/model.c").write_text(altered)
        program = compile_c(tmp_path / "c", tmp_path / "altered", *SELFTEST, *POOLED)
        done = subprocess.run([program], capture_output=True, text=True)
        assert done.returncode == 1
        assert message in done.stdout


def test_memory_stays_within_64_kb_and_null_is_refused(c_pooled: Path, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "detector.h"\n'
        "static detector_t d;\n"
        "int main(void) {\n"
        "    detector_finish(NULL);\n"
        '    printf("%d %d %d %d %d", detector_init(NULL, NULL, NULL), detector_init(&d, 0, 0),\n'
        "           detector_feed(&d, NULL, 1), detector_feed(NULL, NULL, 0), (int)sizeof d);\n"
        "    return 0;\n}\n"
    )
    program = compile_c(c_pooled, tmp_path / "main", str(tmp_path / "main.c"), *POOLED)
    done = subprocess.run([program], check=True, capture_output=True, text=True)
    *codes, size = map(int, done.stdout.split())
    assert codes == [1, 0, 1, 1]
    stated = re.search(r"DETECTOR_BYTES (\d+)", (c_pooled / "src/model.h").read_text())
    assert stated
    assert size == int(stated[1]) <= 64_000


def test_unknown_machine_is_refused(
    pooled_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", str(pooled_bundle.folder), "--target", "c", "--output"]
    assert main([*arguments, str(tmp_path / "c"), "--machine", "fan/09"]) == 1
    assert "give one of fan/00, fan/02" in capsys.readouterr().err


def test_predict_judges_as_the_board_does(
    listen: Path, pooled_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pcm = sound_of(1.0, 5)
    (row,) = rows_of(listen, pcm, tmp_path)
    arguments = ["predict", str(pooled_bundle.folder), str(tmp_path / "clip.wav"), "--machine-id"]
    assert main([*arguments, "00", "--network", "edge"]) == 0
    answer = capsys.readouterr().out
    found = re.search(r'"Score": ([-\d.]+)', answer)
    assert found
    assert float(found[1]) == pytest.approx(float(row[2]), abs=0.01)
    assert ('"Anomaly": true' in answer) == (row[3] == "anomalous")
