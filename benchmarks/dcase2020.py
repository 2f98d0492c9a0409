"""The autoencoder on any archive in the layout of DCASE 2020 Task 2, beside the published baseline.

    python benchmarks/dcase2020.py dev_data_pump.zip
    python benchmarks/dcase2020.py dev_data_pump.zip --epochs 150 --validation-split 0.15
    python benchmarks/dcase2020.py recordings.zip --seeds 5 --epoch-share 1.0 0.25

Prints AUC and pAUC per machine id, as means over the seeds, and the duration of the training, also
in processor time with the export. The seeds take turns.

References
----------
Y. Koizumi et al., "Description and discussion on DCASE2020 Challenge Task2: unsupervised anomalous
sound detection for machine condition monitoring", DCASE Workshop 2020: the published figures.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stethoscope.machines import types_of

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

PUBLISHED = {
    "ToyCar": (0.801, 0.672),
    "ToyConveyor": (0.727, 0.607),
    "fan": (0.652, 0.526),
    "pump": (0.726, 0.600),
    "slider": (0.850, 0.669),
    "valve": (0.665, 0.506),
    "pump/00": (0.671, 0.573),
    "pump/02": (0.609, 0.580),
    "pump/04": (0.889, 0.677),
    "pump/06": (0.735, 0.570),
}
"""AUC and pAUC of the published baseline, by machine type or machine."""


class Run(NamedTuple):
    """A training and its results.

    Attributes
    ----------
    figures : dict
        AUC and pAUC by machine.
    seconds : float
        Duration of the fit.
    processor : float
        Processor time of fit and export, in seconds.
    """

    figures: dict[str, tuple[float, float]]
    seconds: float
    processor: float


def main() -> None:
    """Train, evaluate and print."""
    from stethoscope.datasets.layouts import index
    from stethoscope.features.extract import extract_features
    from stethoscope.sound.logmel import LogMel

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path, nargs="+")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--validation-split", type=float, default=0.1)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epoch-share", type=float, nargs="+", default=[1.0])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        extract_features(options.archive, index(options.archive), LogMel(), store, min_frames=5)
        runs: dict[float, list[Run]] = {share: [] for share in options.epoch_share}
        for seed in range(options.seeds):
            for share, found in runs.items():
                found.append(train_and_evaluate(store, Path(scratch), options, share, seed))
        for share, found in runs.items():
            report(found, share)


def train_and_evaluate(
    store: Path, scratch: Path, options: argparse.Namespace, share: float, seed: int
) -> Run:
    """Train and evaluate the autoencoder once."""
    from stethoscope.detection.autoencoder.fit import Autoencoder
    from stethoscope.detection.evaluate import evaluate_detector
    from stethoscope.detection.options import FitOptions
    from stethoscope.detection.train import train_detector
    from stethoscope.features.store import FeatureStore

    fit = FitOptions(
        epochs=options.epochs,
        validation_split=options.validation_split,
        epoch_share=share,
        seed=seed,
    )
    started = time.process_time()
    training = train_detector(
        FeatureStore.open(store),
        Autoencoder(fit_options=fit),
        scratch / "model",
        validation_split=options.validation_split,
        seed=seed,
    )
    processor = time.process_time() - started
    evaluation = evaluate_detector(store, scratch / "model", scratch / "results")
    found = {
        one.machine: (one.auc.value, one.pauc.value)
        for one in evaluation.overall.machines
        if one.auc.value is not None and one.pauc.value is not None
    }
    return Run(found, training.seconds, processor)


def report(runs: list[Run], share: float) -> None:
    """Print a table."""
    seconds, processor = ([getattr(run, name) for run in runs] for name in ("seconds", "processor"))
    print(
        f"\nepoch share {share:g}, {len(runs)} seed(s), "
        f"training {np.mean(seconds):.1f} s (sd {np.std(seconds):.1f}), "
        f"processor time {np.mean(processor):.1f} s (sd {np.std(processor):.1f})"
    )
    print(
        f"{'machine':<16}{'AUC':>8}{'sd':>7}{'published':>11}{'pAUC':>9}{'sd':>7}{'published':>11}"
    )
    machines = list(runs[0].figures)
    for machine in machines:
        row(machine, np.array([run.figures[machine] for run in runs]))
    for machine_type in types_of(machines):
        means = [
            [run.figures[one] for one in machines if one.startswith(f"{machine_type}/")]
            for run in runs
        ]
        row(machine_type, np.mean(means, axis=1), label=f"{machine_type} mean")


def row(machine: str, figures: np.ndarray, label: str = "") -> None:
    """Print means and standard deviations over the seeds, with the published figures.

    Parameters
    ----------
    machine : str
    figures : np.ndarray [shape=(n_seeds, 2)]
        AUC and pAUC.
    label : str
        Name in the table; empty for `machine`.
    """
    published = [f"{value:.3f}" for value in PUBLISHED.get(machine, ())] or ["", ""]
    (auc, pauc), (auc_sd, pauc_sd) = figures.mean(axis=0), figures.std(axis=0)
    print(
        f"{label or machine:<16}{auc:>8.3f}{auc_sd:>7.3f}{published[0]:>11}"
        f"{pauc:>9.3f}{pauc_sd:>7.3f}{published[1]:>11}"
    )


if __name__ == "__main__":
    main()
