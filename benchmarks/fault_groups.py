"""How well groups of faults agree with the truth: simulated fans, each clip described by its
deviation from its own machine, or plainly.

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
from stethoscope.diagnosis.options import AUTOMATIC, Description, FaultOptions
from stethoscope.features.extract import extract_features
from stethoscope.sound.mfcc import Mfcc


def main() -> None:
    """Print the adjusted Rand index of every description, and the number of groups that is chosen
    by itself.
    """
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
                path = Path(folder) / "fan.zip"
                simulate_archive(
                    path,
                    machine="fan",
                    seed=seed,
                    snr_db=snr_db,
                    ids=4,
                    train_clips=options.clips,
                    test_normal=0,
                    test_anomaly=options.clips,
                    seconds=options.seconds,
                )
                with zipfile.ZipFile(path) as archive:
                    table = io.StringIO(archive.read("fan/faults.csv").decode())
                truth = {row["path"]: row["fault"] for row in csv.DictReader(table)}
                store = extract_features([path], index([path]), Mfcc(), Path(folder) / "store")
                cells = []
                for description in get_args(Description):
                    found = group_faults(
                        store, FaultOptions(groups=len(FAULTS), description=description)
                    )
                    rand = adjusted_rand_score(
                        [truth[one.path] for one in found.clips], [one.group for one in found.clips]
                    )
                    chosen = len(
                        group_faults(
                            store, FaultOptions(groups=AUTOMATIC, description=description)
                        ).names
                    )
                    cells.append(f"{description} {rand:.2f} ({chosen} groups chosen)")
            print(f"{snr_db:+g} dB, seed {seed}: {', '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
