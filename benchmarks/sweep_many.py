"""A sweep over many small simulated machines: time per item, and memory of the leaderboard.

    python benchmarks/sweep_many.py [--machines 100] [--parallelism 2]
    python benchmarks/sweep_many.py --machines 20 --grid feature_n_mels=64,128

Every machine is another simulated archive of a few clips, and a run of the main pipeline without
its diagnosis. Printed are the time of the sweep and of its items, the largest memory of a process,
and time and memory of the leaderboard of a part and of all of the items, each in a process of its
own: memory that does not grow with the items was needed to import the package.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLIPS = "ids=1&train_clips=8&test_normal=4&test_anomaly=4&seconds=2"
TYPES = ("fan", "pump", "slider", "valve")

LEADERBOARD = """
import resource, sys, time
from pathlib import Path
from stethoscope.sweep.leaderboard import write_leaderboard
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
board = write_leaderboard([Path(one) for one in sys.argv[2:]], Path(sys.argv[1]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(time.process_time() - started, before, peak)
"""


def machines(count: int) -> list[str]:
    """Return so many machines, each with its own level of background noise."""
    numbered = [(TYPES[number % len(TYPES)], number // len(TYPES)) for number in range(count)]
    return [
        f"{kind}-{level:03d}=simulated/{kind}?{CLIPS}&snr_db={6 - 0.25 * level:g}"
        for kind, level in numbered
    ]


def measure_leaderboard(items: list[Path]) -> str:
    """Return time and memory of the leaderboard of some items, in words."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", LEADERBOARD, folder, *map(str, items)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        page = (Path(folder) / "leaderboard.html").stat().st_size
    seconds, before, peak = map(float, done.stdout.split())
    return (
        f"{seconds:.2f} s of processor time, {peak / 1024:.0f} MB at most, "
        f"{before / 1024:.0f} MB of them imports; page of {page / 1024:.0f} KB"
    )


def bytes_of(folder: Path) -> int:
    """Return the size of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Sweep, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--machines", type=int, default=100)
    parser.add_argument("--parallelism", type=int, default=2)
    parser.add_argument("--grid", nargs="+", default=[], help="as that of stethoscope sweep")
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "sweep"
        command = [sys.executable, "-m", "stethoscope", "sweep"]
        command += ["--machines", *machines(options.machines)]
        command += ["--parallelism", str(options.parallelism), "--output", str(output)]
        if options.grid:
            command += ["--grid", *options.grid]
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads((output / "leaderboard.json").read_text(encoding="utf-8"))["items"]
        failed = [one["item"] for one in found if one["status"] != "succeeded"]
        if failed or len(found) < options.machines:
            raise SystemExit(f"{len(found)} runs, failed: {failed}; the times mean nothing")
        taken = [one["seconds"] for one in found]
        print(
            f"{len(found)} items in {seconds:.0f} s, {seconds / len(found):.1f} s per item; "
            f"{(used.ru_utime + used.ru_stime) / len(found):.1f} s of processor time per item"
        )
        print(
            f"an item by itself: median {statistics.median(taken):.1f} s "
            f"({min(taken):.1f} to {max(taken):.1f}), {options.parallelism} at a time; "
            f"largest process {used.ru_maxrss / 1024:.0f} MB; "
            f"{bytes_of(output) / len(found) / 1e6:.1f} MB of results per item"
        )
        items = sorted(path for path in (output / "items").iterdir())
        for count in sorted({max(1, len(items) // 10), len(items)}):
            print(f"leaderboard of {count} items: {measure_leaderboard(items[:count])}")


if __name__ == "__main__":
    main()
