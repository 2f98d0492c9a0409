import os
import subprocess
import sys
from pathlib import Path

import pytest

from stethoscope import cli
from stethoscope.cli import main
from stethoscope.errors import DatasetError, ParameterError
from tests.disks import NEEDS_ROOT, full_disk


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A command line whose command `datasets` raises the parameter of the test."""

    def fail(_: object) -> int:
        raise request.param

    monkeypatch.setattr("stethoscope.commands.data._datasets", fail)


@pytest.mark.parametrize(
    ("failing", "status", "message"),
    [
        (ParameterError("x is 0; give 1"), 2, "stethoscope: x is 0; give 1\n"),
        (DatasetError("a.zip: is empty"), 1, "stethoscope: a.zip: is empty\n"),
        (
            ModuleNotFoundError("no", name="kfp"),
            1,
            "stethoscope: kfp is not installed; it comes with the extra 'train': "
            "in a checkout, pip install '.[train]'\n",
        ),
        (
            ModuleNotFoundError("no", name="tensorflow"),
            1,
            "stethoscope: tensorflow is not installed; it comes with the extra 'train': "
            "in a checkout, pip install '.[train]'\n",
        ),
        (
            PermissionError(13, "Permission denied", "/there/a.zip"),
            1,
            "stethoscope: /there/a.zip: permission denied; change its permissions or choose "
            "another folder\n",
        ),
        (KeyboardInterrupt(), 130, "stethoscope: interrupted\n"),
    ],
    indirect=["failing"],
)
@pytest.mark.usefixtures("failing")
def test_errors_become_one_line_and_an_exit_status(
    status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["datasets"]) == status
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("failing", [DatasetError("a.zip: is empty")], indirect=True)
@pytest.mark.usefixtures("failing")
def test_debug_shows_the_traceback() -> None:
    with pytest.raises(DatasetError):
        main(["--debug", "datasets"])


@NEEDS_ROOT
def test_a_full_disk_is_one_line_and_leaves_no_half_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with full_disk(tmp_path / "disk") as disk:
        assert main(["simulate", "--machine", "fan", str(disk / "fan.zip")]) == 1
        assert [one.name for one in disk.iterdir()] == ["ballast"]
    [line] = [one for one in capsys.readouterr().err.splitlines() if ": " in one]
    assert line.startswith(f"stethoscope: {tmp_path}")
    assert "the disk is full; free space there or " in line


def test_reader_that_ends_early_is_not_an_error() -> None:
    program = f"{sys.executable} -m stethoscope datasets | true; echo ${{PIPESTATUS[0]}}"
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["bash", "-c", program], env=buffered, capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("0", "")


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_command_runs_without_standard_streams(closed: str) -> None:
    command = f"{sys.executable} -m stethoscope datasets {closed}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_has_a_help_text(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli._parser().parse_args(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert "run a pipeline here" in printed
