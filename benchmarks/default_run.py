"""The default run on simulated fans, and what its model costs in use.

    python benchmarks/default_run.py
    python benchmarks/default_run.py --bundle BUNDLE     without the run

It prints the time of `stethoscope run`, the speed of `predict` on a recording of an hour, the parts
of a served verdict (`verdict_parts.py`) and, where arm-none-eabi-gcc and QEMU are, the instructions
of the detector in C (`edge_instructions.py`).
"""

import argparse
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in a worker; before numpy is imported

from edge_instructions import measure as count_instructions
from long_recording import write_noise
from timing import Figure, in_turns, pair, print_figures, run_measured
from verdict_parts import parts

from stethoscope.bundle.bundle import Bundle
from stethoscope.edge.c.export import export_c


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--quick", action="store_true", help="once, and a shorter recording")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = options.bundle
        if bundle is None:
            print_figures(runs(Path(scratch), 1 if options.quick else 3))
            bundle = Path(scratch) / "bundle"
        print_figures(use(bundle, Path(scratch), quick=options.quick))


def figures(*, quick: bool) -> list[Figure]:
    """Return all figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        return [*runs(folder, 1 if quick else 3), *use(folder / "bundle", folder, quick=quick)]


def runs(folder: Path, rounds: int) -> list[Figure]:
    """Return time and memory of the default run; its bundle stays in the folder."""

    def once() -> dict[str, float]:
        output = folder / "run"
        found = command("run", "--output", str(output))
        shutil.rmtree(folder / "bundle", ignore_errors=True)
        shutil.copytree(output / "bundle", folder / "bundle")
        shutil.rmtree(output)
        return found

    found = in_turns({"ours": once}, rounds)
    return [
        pair(found, "run.seconds", "default run", "s", "seconds"),
        pair(found, "run.work", "default run, processor time", "s", "work"),
        pair(found, "run.memory", "default run, memory", "MB", "megabytes"),
    ]


def use(bundle: Path, scratch: Path, *, quick: bool) -> list[Figure]:
    """Return what the model costs in use."""
    rounds = 1 if quick else 3
    return [
        *long_recording(bundle, scratch, 6 if quick else 60, rounds),
        *parts(bundle, 50 if quick else 200, rounds),
        *instructions(bundle, scratch),
    ]


def long_recording(bundle: Path, scratch: Path, minutes: int, rounds: int) -> list[Figure]:
    """Return the speed and the memory of `predict` on a long recording."""
    path = scratch / "long.wav"
    write_noise(path, minutes / 60)
    predict = functools.partial(command, "predict", str(bundle), str(path))

    def once() -> dict[str, float]:
        found = predict()
        return {**found, "speed": 60.0 * minutes / found["seconds"]}

    found = in_turns({"ours": once}, rounds)
    text = f"predict, {minutes} minutes of sound"
    return [
        pair(found, "long.speed", text, "times real time", "speed", more_is_better=True),
        pair(found, "long.memory", f"{text}, memory", "MB", "megabytes"),
    ]


def instructions(bundle: Path, scratch: Path) -> list[Figure]:
    """Return the instructions of the detector in C on a Cortex-M4F; nothing without the tools."""
    if not all(map(shutil.which, ("arm-none-eabi-gcc", "qemu-system-arm"))):
        print("instructions in C: arm-none-eabi-gcc and qemu-system-arm are missing", flush=True)
        return []
    opened = Bundle.open(bundle)
    export_c(opened, scratch / "c", machine=opened.machines[0])
    found = count_instructions(scratch / "c", "-O2")
    # They are counted, not timed: every round gives the same.
    return [
        Figure(
            key="edge.second",
            text="C on a Cortex-M4F, per second of sound",
            unit="M instructions",
            ours=[found.second / 1e6],
        ),
        Figure(
            key="edge.longest",
            text="C on a Cortex-M4F, longest call",
            unit="M instructions",
            ours=[found.longest / 1e6],
        ),
    ]


def command(*arguments: str) -> dict[str, float]:
    """Run a command of stethoscope; return time, processor time and memory."""
    return run_measured(
        [sys.executable, "-m", "stethoscope", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
