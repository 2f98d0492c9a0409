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
    compile_c(folder, tmp_path / "plain.o", "-c", str(STUBS / "plain.c"))
    define = "-DNETWORK_TFLM"
    strict = ("-std=c++17", "-Wall", "-Wextra", "-Werror", "-Isrc", f"-I{STUBS}", define, "-c")
    command = ["g++", *strict, "tflm/network_tflm.cc", "-o", tmp_path / "tflm.o"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    objects = [str(tmp_path / "plain.o"), str(tmp_path / "tflm.o"), "-lstdc++"]
    sources = (*SELFTEST, *CORE, *objects)
    compile_c(folder, tmp_path / "selftest", *sources, flags=(define,))
    done = subprocess.run([tmp_path / "selftest"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
