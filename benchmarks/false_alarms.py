"""How well thresholds keep their false-alarm rate on new recordings, from sound to decision.

A detector is trained on 200 clips each of healthy simulated machines, other ones for every seed,
and then decides on new clips of them.

    python benchmarks/false_alarms.py --machines fan pump slider valve --seeds 20
"""

import argparse
import contextlib
import io
import os
import statistics
import tempfile
from pathlib import Path
from typing import get_args

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.machine import MACHINES
from stethoscope.detection.detector import make_detector
from stethoscope.detection.evaluate import normal_thresholds
from stethoscope.detection.normal_scores import score_clips
from stethoscope.detection.options import DetectorOptions, FitOptions, ThresholdMethod
from stethoscope.detection.train import train_detector
from stethoscope.features.extract import extract_features
from stethoscope.sound.logmel import LogMel

RATES = (0.1, 0.05, 0.01)


def false_alarms(
    machine: str, detector: str, seed: int, arguments: argparse.Namespace, folder: Path
) -> dict[tuple[ThresholdMethod, float], float]:
    """Return the fraction of new normal clips above their machine's threshold.

    It is given for every method and wanted rate.
    """
    archive, model = folder / "set.zip", folder / "model"
    simulate_archive(
        archive,
        machine=machine,
        seed=seed,
        ids=arguments.ids,
        train_clips=arguments.train,
        test_normal=arguments.fresh,
        test_anomaly=0,
        seconds=arguments.seconds,
    )
    store = extract_features(
        [archive], index([archive]), LogMel(), folder / "features", min_frames=5
    )
    fit = FitOptions(verbose=0, seed=seed)
    train_detector(
        store,
        make_detector(DetectorOptions(name=detector), fit),
        model,
        validation_split=0.1,
        seed=seed,
    )
    fresh = store.where(lambda clip: clip.split == "test")
    scores = score_clips(model, store, fresh)
    machines = [store.clips[clip].machine for clip in fresh]
    shares = {}
    for method in get_args(ThresholdMethod):
        for rate in RATES:
            thresholds, _ = normal_thresholds(model, rate, method)
            alarms = [
                thresholds.decide(score, one) for score, one in zip(scores, machines, strict=True)
            ]
            shares[method, rate] = statistics.mean(alarms)
    return shares


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--machines", nargs="+", choices=list(MACHINES), default=list(MACHINES))
    parser.add_argument("--detector", default="pooled-gmm")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--ids", type=int, default=2)
    parser.add_argument("--train", type=int, default=200, help="normal clips per id to learn from")
    parser.add_argument("--fresh", type=int, default=100, help="normal clips per id to judge")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a clip")
    arguments = parser.parse_args()
    print(
        f"{arguments.detector}, {arguments.ids} ids of {arguments.train} clips, "
        f"mean ± deviation over {arguments.seeds} seeds\n"
    )
    print(
        "| machine | method | "
        + " | ".join(f"wanted {rate:g}" for rate in RATES)
        + " |\n|---|---|"
        + "---|" * len(RATES)
    )
    for machine in arguments.machines:
        runs = []
        for seed in range(arguments.seeds):
            with (
                tempfile.TemporaryDirectory() as scratch,
                contextlib.redirect_stderr(io.StringIO()),
            ):
                runs.append(
                    false_alarms(machine, arguments.detector, seed, arguments, Path(scratch))
                )
        for method in get_args(ThresholdMethod):
            cells = []
            for rate in RATES:
                shares = [run[method, rate] for run in runs]
                cells.append(f"{statistics.mean(shares):.3f} ± {statistics.pstdev(shares):.3f}")
            print(f"| {machine} | {method} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
