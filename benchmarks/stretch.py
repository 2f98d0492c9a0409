"""Time and memory of time-stretching, compared to librosa's.

Each is measured in a process of its own. librosa compiles functions at its first call; the compiled
code is kept in a folder that a new container does not have, so this folder is empty here.

python benchmarks/stretch.py
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

RATE = 16_000
RATES = (0.8, 0.9, 1.1, 1.25)
REPEATS = 5

Stretch = Callable[[Any, float], Any]


def main() -> None:
    """Print a row per implementation."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=("own", "librosa"), help="measure in this process")
    options = parser.parse_args()
    if options.only:
        measure(options.only)
        return
    print("| | first call, s | clip of 10 s, ms | peak memory, MB |\n|---|---|---|---|")
    for name in ("own", "librosa"):
        with tempfile.TemporaryDirectory() as cache:
            subprocess.run(
                [sys.executable, __file__, "--only", name],
                check=True,
                env=os.environ | {"NUMBA_CACHE_DIR": cache, "OPENBLAS_NUM_THREADS": "1"},
            )


def own_stretch() -> Stretch:
    """Import the project's."""
    from stethoscope.sound.stretch import stretch

    return stretch


def librosa_stretch() -> Stretch:
    """Import librosa's."""
    from librosa.effects import time_stretch

    return lambda samples, rate: time_stretch(samples, rate=rate)


def measure(name: str) -> None:
    """Print the row of one implementation."""
    time_of = np.arange(10 * RATE) / RATE
    sound = (0.3 * np.sin(2 * np.pi * 440 * time_of)).astype(np.float32)
    start = time.perf_counter()
    stretch = own_stretch() if name == "own" else librosa_stretch()
    stretch(sound, 1.1)
    first = time.perf_counter() - start
    seconds = []
    for _ in range(REPEATS):
        for rate in RATES:
            start = time.perf_counter()
            stretch(sound, rate)
            seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {name} | {first:.2f} | {1000 * np.median(seconds):.0f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
