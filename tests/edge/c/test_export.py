"""The exported folder."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.cli import main
from stethoscope.edge.c.export import export_c, export_classifier_c
from stethoscope.errors import ModelError
from tests.edge.c_tools import export_in_a_fresh_process, require, run_selftest


def test_cmake_builds_the_exported_folder(c_folder: Path, tmp_path: Path) -> None:
    require("cmake")
    subprocess.run(["cmake", "-S", c_folder, "-B", tmp_path], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", tmp_path], check=True, capture_output=True)
    assert subprocess.run([tmp_path / "selftest"], capture_output=True).returncode == 0
    assert (tmp_path / "listen").is_file()


def test_export_is_deterministic_and_its_hashes_are_in_the_bundle(
    beep_parts: Path, tmp_path: Path
) -> None:
    bundle = beep_parts / "bundle"
    export_in_a_fresh_process(bundle, tmp_path / "again")
    names = sorted(
        path.relative_to(bundle / "c").as_posix()
        for path in (bundle / "c").rglob("*")
        if path.is_file()
    )
    assert names == sorted(
        path.relative_to(tmp_path / "again").as_posix()
        for path in (tmp_path / "again").rglob("*")
        if path.is_file()
    )
    hashes = Bundle.open(bundle).manifest["files"]
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (bundle / "c" / name).read_bytes(), name
        assert hashes[f"c/{name}"] == hashlib.sha256((bundle / "c" / name).read_bytes()).hexdigest()
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    (copy / "c" / "src/model.h").write_text("#define SAMPLE_RATE 8000\n")
    with pytest.raises(ModelError, match=r"model\.h: was altered"):
        Bundle.open(copy)


def test_bundle_without_a_model_for_c_is_refused(
    fan_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(fan_bundle), "--target", "c", "--output", str(tmp_path / "c")]) == 1
    assert "detector" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_errors_name_what_is_missing(fan_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="given by --recordings"):
        export_c(Bundle.open(fan_bundle), tmp_path / "c")
    with pytest.raises(ModelError, match="has no diagnosis, it has detector"):
        export_c(Bundle.open(fan_bundle), tmp_path / "c", role="diagnosis")
    with pytest.raises(ModelError, match="has no model of events"):
        export_c(Bundle.open(fan_bundle), tmp_path / "c", role="events")


@pytest.mark.slow
def test_diagnosis_is_exported_in_a_fresh_process(
    diagnosing_copy: Path, fan_archive: Path, tmp_path: Path
) -> None:
    options = ("--role", "diagnosis", "--machine", "fan/00", "--max-drop", "0.5")
    recordings = ("--recordings", fan_archive)
    export_in_a_fresh_process(diagnosing_copy, tmp_path / "c", *options, *recordings)
    done = run_selftest(tmp_path / "c", tmp_path / "selftest")
    assert done.returncode == 0, done.stdout
    assert "names the fault that fan/00 sounds like most" in (tmp_path / "c/README.md").read_text()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("edge_bundle", ("--machine", "fan/09"), "'fan/09', which the bundle does not know"),
        ("edge_bundle", ("--max-drop", "2"), "--max-drop is 2"),
        ("beep_parts", ("--machine", "fan/00"), "a model of events is for no machine"),
    ],
)
def test_options_that_cannot_hold_are_refused(
    kind: str,
    options: tuple[str, ...],
    message: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder: Path = request.getfixturevalue(kind)
    bundle = folder / "bundle" if kind == "beep_parts" else folder
    command = ["export", str(bundle), "--target", "c", "--output", str(tmp_path / "c")]
    assert main([*command, *options]) != 0
    assert message in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_classifier_without_an_int8_network_is_refused(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "model", tmp_path / "model")
    (tmp_path / "model" / "edge.json").unlink()
    with pytest.raises(ModelError, match="given by --recordings"):
        export_classifier_c(tmp_path / "model", tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("kind", ["c_folder", "c_anomaly"])
@pytest.mark.slow
def test_headers_can_be_included_from_cpp(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    require("g++")
    folder: Path = request.getfixturevalue(kind)
    includes = [f'#include "{name}.h"\n' for name in ("detector", "frontend", "network", "fft")]
    (tmp_path / "main.cc").write_text("".join(includes) + "detector_t detector;\n")
    strict = ("-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Isrc", "-fsyntax-only")
    command = ["g++", *strict, tmp_path / "main.cc"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
