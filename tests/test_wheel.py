"""The commands work from an installed wheel, far from a checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stethoscope.runs.pipelines import PIPELINES

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
        text=True,
    )
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder / "site")
    return folder / "site"


def command(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-m", "stethoscope", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )


def test_every_compiled_pipeline_is_in_the_wheel(installed: Path) -> None:
    for pipeline in PIPELINES.values():
        packaged = installed / "stethoscope" / "_packaged" / pipeline.file
        assert packaged.read_text() == (ROOT / pipeline.file).read_text()


def test_commands_find_the_packaged_files(installed: Path, tmp_path: Path) -> None:
    command(installed, tmp_path, "compile", "--image", "localhost/s:1", "--output", "out.yaml")
    assert "image: localhost/s:1" in (tmp_path / "out.yaml").read_text()
    assert "dcase2020/pump" in command(installed, tmp_path, "datasets").stdout


def test_wheel_holds_every_file_of_the_package_and_nothing_else(installed: Path) -> None:
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {
        "stethoscope"
    }
    modules = {path.relative_to(ROOT) for path in (ROOT / "stethoscope").rglob("*.py")}
    assert {path.relative_to(installed) for path in installed.rglob("*.py")} == modules


@pytest.mark.slow
def test_run_works_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    tiny = "simulated/fan?ids=1&train_clips=6&test_normal=3&test_anomaly=3&seconds=1"
    parameters = ["feature_n_mels=32", "class_epochs=2"]
    arguments = [part for one in parameters for part in ("-p", one)]
    done = command(installed, tmp_path, "run", "--dataset-url", tiny, *arguments, "--output", "out")
    assert "fan/00" in done.stdout
    assert (tmp_path / "out" / "report.html").is_file()
