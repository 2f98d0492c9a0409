"""Judge a recording of many hours: how many times faster than real time, and with what memory.

python benchmarks/long_recording.py BUNDLE --hours 1 24

Writes recordings of noise at 16 kHz, 16 bits, to a temporary folder (115 MB per hour).
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000


def write_noise(path: Path, hours: float) -> None:
    """Write a recording, minute by minute."""
    minute = 0.05 * np.random.default_rng(0).standard_normal(60 * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_16") as file:
        for _ in range(round(60 * hours)):
            file.write(minute)


def measure(command: list[str]) -> tuple[float, float]:
    """Run a command; return the processor time in seconds and the largest memory in MB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """Judge a recording of each length by `predict` and by `watch`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 24.0])
    options = parser.parse_args()
    for hours in options.hours:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, "recordings")
            folder.mkdir()
            path = folder / "long.wav"
            write_noise(path, hours)
            start = [sys.executable, "-m", "stethoscope"]
            watch = ["watch", str(options.bundle), str(folder), "--once", "--settle", "0"]
            history = ["--history", str(Path(place, "history.sqlite"))]
            for name, arguments in (
                ("predict", ["predict", str(options.bundle), str(path)]),
                ("watch", [*watch, *history]),
            ):
                seconds, memory = measure([*start, *arguments])
                print(
                    f"{hours:g} h, {name}: {seconds:.1f} s of a processor, "
                    f"{3600 * hours / seconds:,.0f} times real time, {memory:.0f} MB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
