"""The network run by TensorFlow Lite Micro.

Its C++ headers come with none of the packages: `stubs/tflm` declares the functions that are used,
and runs `network.c` behind them.
"""

import subprocess
from pathlib import Path

import pytest

from tests.edge.c_tools import CORE, SELFTEST, compile_c, require

pytestmark = pytest.mark.slow


STUBS = Path(__file__).parent / "stubs" / "tflm"


@pytest.mark.parametrize("kind", ["c_folder", "c_anomaly"])
def test_selftest_passes_with_the_network_of_tensorflow_lite_micro(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    require("gcc")
    require("g++")
    folder: Path = request.getfixturevalue(kind)
    names = ("-Dnetwork_init=plain_init", "-Dnetwork_run=plain_run")
    compile_c(folder, tmp_path / "network.o", "-c", "src/network.c", flags=names)
    strict = ("-std=c++17", "-Wall", "-Wextra", "-Werror", "-Isrc", f"-I{STUBS}", "-c")
    command = ["g++", *strict, "tflm/network_tflm.cc", "-o", tmp_path / "tflm.o"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    others = [name for name in CORE if name != "src/network.c"]
    objects = [str(tmp_path / "network.o"), str(tmp_path / "tflm.o"), "-lstdc++"]
    compile_c(folder, tmp_path / "selftest", *SELFTEST, *others, *objects)
    done = subprocess.run([tmp_path / "selftest"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
