"""Time from the clone of this repository to the report of a plain folder of 50 clips.

python benchmarks/first_report.py                     50 simulated clips of 10 s
python benchmarks/first_report.py --recordings FOLDER

Prints what a person types, and the time and the processor time that each command takes.
"""

import argparse
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from stethoscope.datasets.simulator.archive import simulate_archive

ROOT = Path(__file__).resolve().parents[1]


def write_clips(folder: Path, count: int = 50) -> None:
    """Write simulated healthy clips of a pump into one folder, under names without a meaning."""
    folder.mkdir()
    archive = folder.parent / "clips.zip"
    simulate_archive(archive, machine="pump", ids=1, train_clips=count, test_anomaly=1)
    subprocess.run(["python3", "-m", "zipfile", "-e", archive, folder.parent / "all"], check=True)
    for number, path in enumerate(sorted((folder.parent / "all").rglob("train/*.wav")), start=1):
        path.rename(folder / f"recording {number:02d}.wav")


def timed(command: str, folder: Path) -> None:
    """Run a command in a shell, and print what it took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{seconds:7.1f} s  {processor:6.1f} s of a processor   {command}", flush=True)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:])


def main() -> None:
    """Clone, install, inspect and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=Path, help="folder; by default of simulated clips")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        recordings = options.recordings or folder / "recordings"
        if not options.recordings:
            write_clips(recordings)
        timed(f"git clone --quiet {ROOT} stethoscope", folder)
        checkout = folder / "stethoscope"
        timed("make install", checkout)
        activated = "source .venv/bin/activate && "
        timed(f"{activated}stethoscope inspect '{recordings.resolve()}'", checkout)
        timed(
            f"{activated}stethoscope run --dataset-url '{recordings.resolve()}' "
            "--output runs/first",
            checkout,
        )


if __name__ == "__main__":
    main()
