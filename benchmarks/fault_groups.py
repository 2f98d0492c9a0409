"""Measure how well groups of faults agree with the true faults of simulated fans.

Each clip is described by its deviation from its own machine, or by its mean frame (plain).

    python benchmarks/fault_groups.py --snrs 6 0 --seeds 4
"""

import argparse
import csv
import io
import tempfile
import zipfile
from pathlib import Path
from typing import get_args

from sklearn.metrics import adjusted_rand_score

from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.faults import FAULTS
from stethoscope.diagnosis.grouping import group_faults
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.options import AUTOMATIC, Description, FaultOptions
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.mfcc import Mfcc


def main() -> None:
    """Print a line per set: adjusted Rand index and the chosen number of groups."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--snrs", nargs="+", type=float, default=[6.0], help="in dB")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument(
        "--clips", type=int, default=12, help="of each machine, normal and anomalous (default: 12)"
    )
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    for snr_db in options.snrs:
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                store, truth = simulated_fans(
                    Path(folder),
                    snr_db=snr_db,
                    seed=seed,
                    clips=options.clips,
                    seconds=options.seconds,
                )
                cells = [cell(store, truth, description) for description in get_args(Description)]
            print(f"{snr_db:+g} dB, seed {seed}: {', '.join(cells)}", flush=True)


def simulated_fans(
    folder: Path, *, snr_db: float, seed: int, clips: int, seconds: float
) -> tuple[FeatureStore, dict[str, str]]:
    """Return the features of simulated fans, and the true fault of every anomalous clip by path.

    There are four machine ids, each with `clips` normal and `clips` anomalous clips.
    """
    path = folder / "fan.zip"
    simulate_archive(
        path,
        machine="fan",
        seed=seed,
        snr_db=snr_db,
        ids=4,
        train_clips=clips,
        test_normal=0,
        test_anomaly=clips,
        seconds=seconds,
    )
    with zipfile.ZipFile(path) as archive:
        table = io.StringIO(archive.read("fan/faults.csv").decode())
    truth = {row["path"]: row["fault"] for row in csv.DictReader(table)}
    return extract_features([path], index([path]), Mfcc(), folder / "store"), truth


def agreement(groups: FaultGroups, truth: dict[str, str]) -> float:
    """Return the adjusted Rand index of groups and true faults."""
    faults = [truth[clip.path] for clip in groups.clips]
    return float(adjusted_rand_score(faults, [clip.group for clip in groups.clips]))


def cell(store: FeatureStore, truth: dict[str, str], description: Description) -> str:
    """Return the figures of a description as text."""
    known = group_faults(store, FaultOptions(groups=len(FAULTS), description=description))
    chosen = group_faults(store, FaultOptions(groups=AUTOMATIC, description=description))
    return f"{description} {agreement(known, truth):.2f} ({len(chosen.names)} groups chosen)"


if __name__ == "__main__":
    main()
