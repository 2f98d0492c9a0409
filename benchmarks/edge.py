"""The autoencoder on a microcontroller: its AUC in int8 and in float, memory and time.

    python benchmarks/edge.py /path/to/dev_data_caridle.zip --epochs 100 --seeds 3

The archive is one in the layout of DCASE 2020 Task 2. In int8 the network runs on windows that do
not overlap.
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> None:
    """Train, evaluate, convert and print a row per seed and the means."""
    from stethoscope.datasets.layouts import index
    from stethoscope.features.extract import extract_features
    from stethoscope.sound.logmel import LogMel

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print("| seed | AUC float | AUC int8 | model, bytes | arena, bytes | flash, bytes | ESP32 |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        extract_features([options.archive], index([options.archive]), LogMel(), store, min_frames=5)
        rows = [
            make(options.archive, store, Path(scratch), options.epochs, seed)
            for seed in range(options.seeds)
        ]
    full, int8 = np.mean(rows, axis=0)
    print(f"| mean | {full:.3f} | {int8:.3f} | | | | |")


def make(archive: Path, store: Path, scratch: Path, epochs: int, seed: int) -> tuple[float, float]:
    """Return the mean AUC over the machine ids, of the float and of the int8 detector."""
    from stethoscope.bundle.build import export_bundle
    from stethoscope.detection.autoencoder.fit import Autoencoder
    from stethoscope.detection.evaluate import evaluate_detector
    from stethoscope.detection.options import FitOptions
    from stethoscope.detection.train import train_detector
    from stethoscope.edge.c.export import export_c
    from stethoscope.edge.detector import make_edge_detector
    from stethoscope.features.store import FeatureStore

    detector = Autoencoder(fit_options=FitOptions(epochs=epochs, seed=seed, verbose=0))
    train_detector(
        FeatureStore.open(store), detector, scratch / "model", validation_split=0.1, seed=seed
    )
    evaluate_detector(store, scratch / "model", scratch / "results")
    bundle = export_bundle(scratch / "model", scratch / "results", scratch / "bundle")
    made = make_edge_detector(bundle, [archive], max_drop=1.0, seed=seed)
    memory = export_c(type(bundle).open(bundle.folder), scratch / "c")
    full, edge = made.auc or 0.0, made.int8_auc or 0.0
    flash = memory.model_flash + memory.tables_flash + memory.code_flash
    sizes = f"{memory.model_flash:,} | {memory.arena:,} | {flash:,} | {memory.verdicts['ESP32']}"
    print(f"| {seed} | {full:.3f} | {edge:.3f} | {sizes} |", flush=True)
    return full, edge


if __name__ == "__main__":
    main()
