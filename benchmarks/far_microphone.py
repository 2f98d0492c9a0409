"""Whether a second microphone, far from the machine, helps the default detector.

    python benchmarks/far_microphone.py --seeds 5

Machines are simulated with two channels and drawn anew with every seed. The detector is trained and
tested on the near channel alone, and with the background of the far channel subtracted
(``feature_far_channel=1``). The table has AUC and pAUC, means over ids and seeds. The last row is
the mean of the differences over all sets, with its 95 % interval (Student's t).
"""

import argparse
import contextlib
import io
import os
import tempfile
from pathlib import Path

import numpy as np

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from scipy import stats

from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.machine import MACHINES
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.train import train_detector
from stethoscope.features.extract import extract_features
from stethoscope.sound.logmel import LogMel


def measure(archive: Path, feature: LogMel, folder: Path) -> tuple[float, float]:
    """Return AUC and pAUC of the default detector on an archive, with a feature."""
    features = folder / "features"
    with contextlib.redirect_stderr(io.StringIO()):
        store = extract_features([archive], index([archive]), feature, features, min_frames=5)
        train_detector(store, PooledGmm(), folder / "model", validation_split=0, seed=0)
        overall = evaluate_detector(features, folder / "model", folder / "results").overall
    return overall.auc.value or np.nan, overall.pauc.value or np.nan


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--machines", nargs="+", default=list(MACHINES))
    parser.add_argument("--snr-db", type=float, default=-6.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--ids", type=int, default=3)
    parser.add_argument("--train-clips", type=int, default=30)
    parser.add_argument("--test-clips", type=int, default=30, help="normal, and as many anomalous")
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    print("| machine | near, AUC | pAUC | far subtracted, AUC | pAUC |\n|---|---|---|---|---|")
    differences = []
    for machine in arguments.machines:
        figures = []
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            with tempfile.TemporaryDirectory() as scratch:
                archive = Path(scratch) / f"{machine}.zip"
                with contextlib.redirect_stderr(io.StringIO()):
                    simulate_archive(
                        archive,
                        machine=machine,
                        seed=seed,
                        snr_db=arguments.snr_db,
                        ids=arguments.ids,
                        train_clips=arguments.train_clips,
                        test_anomaly=arguments.test_clips,
                        channels=2,
                        seconds=arguments.seconds,
                    )
                near, far = (
                    measure(archive, feature, Path(scratch))
                    for feature in (LogMel(), LogMel(far_channel=1))
                )
            figures.append([*near, *far])
        values = np.array(figures)
        differences.append(values[:, 2:] - values[:, :2])
        cells = (f"{values[:, k].mean():.3f} ± {values[:, k].std():.3f}" for k in range(4))
        print(f"| {machine} | {' | '.join(cells)} |", flush=True)
    every = np.concatenate(differences)
    for name, one in zip(("AUC", "pAUC"), every.T, strict=True):
        low, high = stats.t.interval(0.95, len(one) - 1, one.mean(), stats.sem(one))
        print(f"{name}: {one.mean():+.3f} ({low:+.3f} to {high:+.3f}) over {len(one)} sets")


if __name__ == "__main__":
    main()
