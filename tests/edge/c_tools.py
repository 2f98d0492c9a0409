"""Compiling and calling exported C."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

CORE = tuple(
    f"src/{name}.c" for name in ("detector", "decision", "frontend", "fft", "network", "model")
)
POOLED = tuple(f"src/{name}.c" for name in ("detector", "pooling", "frontend", "fft", "model"))
"""The sources of the default detector."""

SELFTEST = ("test/selftest.c", "test/golden.c")
LISTEN = "examples/computer/listen.c"


def compile_c(
    folder: Path, output: Path, *sources: str, compiler: str = "gcc", flags: tuple[str, ...] = ()
) -> Path:
    """Compile exported C with every warning as an error."""
    strict = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Isrc")
    libraries = () if "-c" in (*sources, *flags) else ("-lm",)
    done = subprocess.run(
        [compiler, *strict, *flags, *sources, "-o", str(output), *libraries],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return output


IN_CI = (
    "gcc",
    "g++",
    "clang",
    "arm-none-eabi-gcc",
    "qemu-system-arm",
    "riscv64-unknown-elf-gcc",
)
"""What CI installs."""


def export_in_a_fresh_process(model: Path, output: Path, *options: str | Path) -> None:
    """Keras numbers its layers per process: names that clash do so in a fresh one only."""
    command = [sys.executable, "-m", "stethoscope", "export", model, "--target", "c"]
    done = subprocess.run([*command, "--output", output, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def require(program: str) -> None:
    """Skip where a program is absent; for those that CI installs, that is a failure there."""
    if shutil.which(program) is None:
        if os.environ.get("CI") and program in IN_CI:
            pytest.fail(f"{program} is missing in CI")
        pytest.skip(f"{program} is not installed")


def load_library(folder: Path, output: Path) -> ctypes.CDLL:
    """Compile exported C as a shared library and load it."""
    require("gcc")
    return ctypes.CDLL(str(compile_c(folder, output, *CORE, flags=("-shared", "-fPIC"))))


def run_selftest(folder: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """Compile and run the self-test."""
    require("gcc")
    compile_c(folder, output, *SELFTEST, *CORE)
    return subprocess.run([output], capture_output=True, text=True)


def run_listen(folder: Path, output: Path, file: Path) -> list[list[str]]:
    """Compile the example for WAV files, run it on a file and return its rows."""
    require("gcc")
    compile_c(folder, output, LISTEN, *CORE)
    done = subprocess.run([output, file], check=True, capture_output=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def recording(folder: Path, name: str = "07") -> npt.NDArray[np.int16]:
    """Read a recording of beeps."""
    samples, _ = soundfile.read(folder / f"audio_{name}.wav", dtype="int16")
    return np.asarray(samples)


def pointer(values: npt.NDArray[np.generic]) -> ctypes.c_void_p:
    """Return where an array starts, for a call of C."""
    return ctypes.c_void_p(values.ctypes.data)


def c_frames(
    library: ctypes.CDLL, pcm: npt.NDArray[np.int16], n_fft: int, hop: int, size: int
) -> npt.NDArray[np.float32]:
    """Compute the band spectrum of a recording in C."""
    frames = np.empty((1 + (len(pcm) - n_fft) // hop, size), dtype=np.float32)
    work = np.empty(n_fft, dtype=np.float32)
    for index, frame in enumerate(frames):
        library.frontend_frame(
            pointer(np.ascontiguousarray(pcm[index * hop :][:n_fft])), pointer(frame), pointer(work)
        )
    return frames


def run_network(
    library: ctypes.CDLL, inputs: npt.NDArray[np.int8], n_outputs: int
) -> npt.NDArray[np.int8]:
    """Run the network in C on quantised windows, one a row."""
    outputs = np.empty((len(inputs), n_outputs), dtype=np.int8)
    network = np.empty(1 << 20, dtype=np.int8)  # more than a network_t needs
    assert library.network_init(pointer(network)) == 0
    for window, output in zip(inputs, outputs, strict=True):
        assert library.network_run(pointer(network), pointer(window), pointer(output)) == 0
    return outputs


_STUBS = Path(__file__).parent / "c" / "stubs"
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


def build_example(
    folder: Path,
    board: str,
    output: Path,
    sources: tuple[str, ...] = CORE,
    flags: tuple[str, ...] = (),
) -> Path:
    """Compile the example of a board."""
    require("gcc")
    program, stubs, own = EXAMPLES[board]
    more = (
        *own,
        *flags,
        *(f"-I{_STUBS / stub}" for stub in stubs),
        f"-I{(folder / program).parent}",
    )
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


def run_example(program: Path, pcm: npt.NDArray[np.int16]) -> list[list[str]]:
    """Return the rows that an example prints of a recording, the names of the columns first.

    A line before it says what the model does.
    """
    done = subprocess.run([program], input=pcm.astype("<i2").tobytes(), capture_output=True)
    assert not done.stderr
    task, *rows = done.stdout.decode().splitlines()
    assert task
    return [line.split("\t") for line in rows]
