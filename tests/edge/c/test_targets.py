"""Exported C of every kind: compiled strictly, and run on emulated microcontrollers."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.edge_instructions import START, execute, measure, sources_of
from stethoscope.edge.c.cost import FPU, NO_DSP, NO_FPU
from stethoscope.files import read_json
from tests.edge.c_tools import SELFTEST, compile_c, require

KINDS = ("events", "autoencoder", "pooled-gmm", "mfcc-cnn", "mel-cnn")
_STRICT = ("-Wconversion", "-Wdouble-promotion")


@pytest.fixture(params=KINDS)
def exported(
    request: pytest.FixtureRequest, make_classifier: Callable[[str], Path]
) -> tuple[str, Path]:
    """Name of a kind, and the exported folder of a model of it."""
    kind: str = request.param
    if kind.endswith("-cnn"):
        return kind, make_classifier(kind) / "c"
    fixture = {"events": "c_folder", "autoencoder": "c_anomaly", "pooled-gmm": "c_pooled"}[kind]
    return kind, request.getfixturevalue(fixture)


def test_selftest_finds_nothing_with_sanitizers_and_all_warnings(
    exported: tuple[str, Path], tmp_path: Path
) -> None:
    require("gcc")
    sanitizers = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    sources = (*SELFTEST, *sources_of(exported[1]))
    assert "double" not in "".join(map(Path.read_text, (exported[1] / "src").glob("*.[ch]")))
    program = compile_c(
        exported[1], tmp_path / "selftest", *sources, flags=(*_STRICT, *sanitizers, "-O1")
    )
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_null_is_refused(exported: tuple[str, Path], tmp_path: Path) -> None:
    require("gcc")
    kind, folder = exported
    calls = {
        "pooled-gmm": "detector_init(0, 0, 0), detector_feed(&d, 0, 1), detector_feed(0, 0, 0)",
        "events": "detector_init(0, 0, 0, 0), detector_feed(&d, 0, 1), detector_feed(0, 0, 0)",
        "mfcc-cnn": "detector_init(0), detector_classify(&d, 0, 1, p), "
        "detector_classify(0, &x, 1, p)",
    }
    calls |= {"autoencoder": calls["events"], "mel-cnn": calls["mfcc-cnn"]}
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "detector.h"\nstatic detector_t d;\nint main(void) {\n'
        "    static float p[99];\n    static const int16_t x = 0;\n    (void)p, (void)x;\n"
        f'    printf("%d %d %d", {calls[kind]});\n    return 0;\n}}\n'
    )
    sources = (str(tmp_path / "main.c"), *sources_of(folder))
    program = compile_c(folder, tmp_path / "main", *sources, flags=("-O0",))
    done = subprocess.run([program], check=True, capture_output=True, text=True)
    assert done.stdout == "1 1 1"


def test_selftest_finds_nothing_with_clang(exported: tuple[str, Path], tmp_path: Path) -> None:
    """Its sanitizer finds pointers outside of arrays too; where it does, the program stops."""
    require("clang")
    flags = (*_STRICT, "-O1", "-fsanitize=undefined", "-fsanitize-trap=undefined")
    sources = (*SELFTEST, *sources_of(exported[1]))
    program = compile_c(exported[1], tmp_path / "selftest", *sources, compiler="clang", flags=flags)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_risc_v_compiler_finds_nothing_to_warn_about(
    exported: tuple[str, Path], tmp_path: Path
) -> None:
    require("riscv64-unknown-elf-gcc")
    core = ("-march=rv32imc", "-mabi=ilp32", "-isystem", "/usr/include/newlib", "-O0")
    for source in sources_of(exported[1]):
        compile_c(
            exported[1],
            tmp_path / "x.o",
            "-c",
            source,
            compiler="riscv64-unknown-elf-gcc",
            flags=(*_STRICT, *core),
        )


@pytest.mark.parametrize(
    ("exported", "core"),
    [
        *((kind, FPU) for kind in ("events", "autoencoder", "pooled-gmm", "mfcc-cnn")),
        *((kind, NO_FPU) for kind in ("events", "pooled-gmm")),
    ],
    indirect=["exported"],
)
def test_selftest_passes_on_a_microcontroller(exported: tuple[str, Path], core: str) -> None:
    require("arm-none-eabi-gcc")
    require("qemu-system-arm")
    folder = exported[1]
    sources = [*SELFTEST, *sources_of(folder)]
    done, _ = execute(folder, START, core, sources, "-O1", "-u", "_printf_float")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok: " in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("exported", "core"),
    [*((kind, FPU) for kind in KINDS), ("mel-cnn", NO_DSP), ("events", NO_FPU)],
    indirect=["exported"],
)
def test_stated_time_and_memory_hold_on_a_microcontroller(
    exported: tuple[str, Path], core: str
) -> None:
    """The instructions are worked out; QEMU counts them. None is in double precision."""
    require("arm-none-eabi-gcc")
    require("qemu-system-arm")
    stated = read_json(exported[1] / "memory.json")
    found = measure(exported[1], "-O2", core)
    assert stated["instructions"][core] == pytest.approx(found.second, rel=0.1)
    assert stated["longest_call"][core] == pytest.approx(found.longest, rel=0.2)
    assert found.stack <= stated["stack"]
    if core == FPU:
        assert not found.doubles
        parts = sum(stated[f"{part}_flash"] for part in ("model", "tables", "code"))
        assert parts == pytest.approx(found.flash, rel=0.15)
