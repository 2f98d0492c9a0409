"""What a user can get wrong, as the command line answers it: one clear line and an exit status that
is not 0.
"""

import http.server
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.cli import main


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Print nothing: only the output of the command is compared."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Address of a local server of the test's folder."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Silent, directory=tmp_path)
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def cut_off(folder: Path, archive: Path) -> str:
    content = archive.read_bytes()
    (folder / "cut.zip").write_bytes(content[: len(content) // 2])
    return str(folder / "cut.zip")


def traversal(folder: Path, _: Path) -> str:
    with zipfile.ZipFile(folder / "evil.zip", "w") as file:
        file.writestr("../../fan/train/normal_id_00_00000000.wav", b"RIFF")
    return str(folder / "evil.zip")


def bomb(folder: Path, _: Path) -> str:
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for i in range(3):
            file.writestr(f"fan/train/normal_id_00_0000000{i}.wav", bytes(40 << 20))
    return str(folder / "bomb.zip")


def text(folder: Path, _: Path) -> str:
    (folder / "text.zip").write_text("hello")
    return str(folder / "text.zip")


def empty_folder(folder: Path, _: Path) -> str:
    (folder / "empty").mkdir()
    return str(folder / "empty")


def silent_set(folder: Path, _: Path) -> str:
    (folder / "odd").mkdir()
    soundfile.write(folder / "odd" / "a b c.wav", np.zeros(1600), 16_000)
    return str(folder / "odd")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (cut_off, r"cut\.zip"),
        (traversal, r"evil\.zip.*\.\./\.\./fan/train"),
        (bomb, r"bomb\.zip"),
        (text, r"text\.zip"),
        (empty_folder, r"empty"),
        (silent_set, r"a b c\.wav: is digital silence"),
    ],
)
@pytest.mark.slow
def test_a_run_on_a_bad_set_is_one_clear_line(
    make: Callable[[Path, Path], str],
    message: str,
    tmp_path: Path,
    fan_archive: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = make(tmp_path, fan_archive)
    assert main(["run", "--dataset-url", url, "--output", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    assert error.startswith("stethoscope: ")
    assert re.search(message, error), error


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("{served}/absent.zip", "absent.zip"),
        ("{served}/", "archive"),
        ("nothing/here.zip", "nothing/here.zip"),
        ("dcase2020/pmup", "dcase2020/pump"),
        ("simulated/fun", "fan"),
        ("simulated/fan?snr=3", "snr_db"),
        ("gopher://x/y.zip", "gopher"),
        ("", "dataset_url is empty"),
    ],
)
def test_a_wrong_address_is_one_clear_line(
    url: str, message: str, served: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", url.format(served=served)]) != 0
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    assert message in error


@pytest.mark.slow
def test_one_bad_recording_does_not_end_a_run(
    tmp_path: Path, fan_archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text named .wav, NaN samples, another rate, eight channels, an empty and a short clip among
    good ones.
    """
    with zipfile.ZipFile(fan_archive) as archive:
        archive.extractall(tmp_path / "set")
    train = tmp_path / "set" / "fan" / "train"
    rng = np.random.default_rng(0)
    (train / "normal_id_00_00000090.wav").write_text("hello")
    soundfile.write(
        train / "normal_id_00_00000091.wav", np.full(16_000, np.nan), 16_000, subtype="FLOAT"
    )
    soundfile.write(train / "normal_id_00_00000092.wav", 0.1 * rng.standard_normal(44_100), 44_100)
    soundfile.write(
        train / "normal_id_00_00000093.wav", 0.1 * rng.standard_normal((16_000, 8)), 16_000
    )
    soundfile.write(train / "normal_id_00_00000094.wav", np.zeros(0), 16_000)
    soundfile.write(train / "normal_id_00_00000095.wav", np.zeros(99), 16_000)
    arguments = ["-p", "feature_n_mels=32", "-p", "fault_groups=0"]
    assert (
        main(
            [
                "run",
                "--dataset-url",
                str(tmp_path / "set"),
                *arguments,
                "--output",
                str(tmp_path / "run"),
            ]
        )
        == 0
    )
    skipped = json.loads((tmp_path / "run" / "summary.json").read_text())["evaluation"]["skipped"]
    assert [Path(one["path"]).stem[-2:] for one in skipped] == ["90", "91", "94", "95"]
    assert "4 recordings could not be used" in capsys.readouterr().out


@pytest.mark.slow
def test_what_cannot_be_computed_is_said(
    tmp_path: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real fan sample has no normal test clip."""
    url = str(shared_data / "dev_data_fan_sample.zip")
    arguments = ["-p", "fault_groups=0"]
    assert main(["run", "--dataset-url", url, *arguments, "--output", str(tmp_path / "run")]) == 0
    assert "AUC not computable" in capsys.readouterr().out
    assert (tmp_path / "run" / "bundle" / "bundle.json").is_file()
