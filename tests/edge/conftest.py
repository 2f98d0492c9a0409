"""The C of a small event detector, and compilers."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def c_folder(beep_parts: Path) -> Path:
    """The C of the detector of beeps."""
    return beep_parts / "bundle" / "c"


def compile_c(
    folder: Path, output: Path, *sources: str, compiler: str = "gcc", flags: tuple[str, ...] = ()
) -> Path:
    """Compile exported C with every warning as an error."""
    strict = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I.", "-Iexample")
    done = subprocess.run(
        [compiler, *strict, *flags, *sources, "-o", str(output), "-lm"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return output


CORE = ("detector.c", "decision.c", "frontend.c", "fft.c", "network.c", "model.c")


@pytest.fixture(scope="session")
def library(c_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C as a shared library."""
    require("gcc")
    return compile_c(
        c_folder, tmp_path_factory.mktemp("library") / "model.so", *CORE, flags=("-shared", "-fPIC")
    )


def require(program: str) -> None:
    """Skip where a compiler is absent; in CI that is a failure."""
    if shutil.which(program) is None:
        if os.environ.get("CI") and program == "gcc":
            pytest.fail(f"{program} is missing in CI")
        pytest.skip(f"{program} is not installed")
