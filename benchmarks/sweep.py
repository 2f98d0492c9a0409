"""Measure how much faster a sweep ends when two runs go on at the same time.

``python benchmarks/sweep.py [--repeats 3]`` sweeps two simulated machines with two settings each,
alternately with one and with two runs at a time. It prints the ratio of each pair and their median:
absolute times depend on the computer and its load.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLIPS = "?ids=1&train_clips=8&test_normal=4&test_anomaly=4&seconds=2"


def seconds(parallelism: int) -> float:
    """Return how long the sweep takes, in seconds."""
    command = [
        sys.executable,
        "-m",
        "stethoscope",
        "sweep",
        "--machines",
        f"fan=simulated/fan{CLIPS}",
        f"pump=simulated/pump{CLIPS}",
    ]
    command += ["--grid", "feature_n_mels=32,64", "--parallelism", str(parallelism)]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        subprocess.run([*command, "--output", folder], check=True, capture_output=True)
        taken = time.perf_counter() - started
        items = json.loads((Path(folder) / "leaderboard.json").read_text(encoding="utf-8"))["items"]
    if len(items) != 4 or any(one["status"] != "succeeded" for one in items):
        raise SystemExit("a run failed; its time means nothing")
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    ratios = []
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for _ in range(parser.parse_args().repeats):
        alone, together = seconds(1), seconds(2)
        ratios.append(together / alone)
        print(
            f"one at a time {alone:6.1f} s, two at a time {together:6.1f} s, "
            f"ratio {ratios[-1]:.2f}",
            flush=True,
        )
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
