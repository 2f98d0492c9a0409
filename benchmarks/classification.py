"""Compare the classifier with a random forest and a support-vector machine, on the same folds.

The folds are those of the set; each is tested by a model trained on the others. The input of the
forest and the support-vector machine are 60 statistics of 20 mel-frequency cepstral coefficients:
mean, standard deviation and mean absolute step. The classifier is trained on all recordings of the
training folds, without validation.

    python benchmarks/classification.py /path/to/esc10_urbansound_layout.zip --seeds 5
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from stethoscope.classification.cross_validation import cross_validate
from stethoscope.classification.folds import class_labels, fold_of
from stethoscope.classification.metrics import classify_figures
from stethoscope.classification.options import ClassFit
from stethoscope.datasets.layouts import index
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc

Array = npt.NDArray[np.float64]


def main() -> None:
    """Print a line per method and seed, and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--layout", default="auto")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rate", type=int, default=16_000, help="in Hz (default: 16000)")
    parser.add_argument("--epochs", type=int, default=ClassFit.epochs)
    options = parser.parse_args()
    clips = index([options.archive], options.layout)
    found: dict[str, list[tuple[float, float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        cepstra = extract_features(
            [options.archive],
            clips,
            Mfcc(sample_rate=options.rate, n_mfcc=20),
            Path(folder) / "mfcc",
        )
        mel = extract_features(
            [options.archive],
            clips,
            LogMel(sample_rate=options.rate, n_mels=64, pad_mode="constant"),
            Path(folder) / "mel",
        )
        for seed in range(options.seeds):
            fit = ClassFit(epochs=options.epochs, validation_split=0.0, seed=seed, verbose=0)
            methods: dict[str, Callable[[], tuple[list[str], list[str]]]] = {
                "random forest": partial(
                    classical, cepstra, RandomForestClassifier(500, random_state=seed)
                ),
                "SVM": partial(classical, cepstra, make_pipeline(StandardScaler(), SVC(C=10.0))),
                "mel-cnn": partial(network, mel, fit),
            }
            for name, answer in methods.items():
                started = time.perf_counter()
                truth, predicted = answer()
                figures = classify_figures(truth, predicted, class_labels(truth))
                row = (
                    float(figures.accuracy.value or 0.0),
                    figures.balanced_accuracy,
                    figures.macro_f1,
                )
                found.setdefault(name, []).append(row)
                print(
                    f"{name:<14} seed {seed}  {line(row)}  {time.perf_counter() - started:.0f} s",
                    flush=True,
                )
    for name, rows in found.items():
        deviation = np.std([row[0] for row in rows])
        means = line(tuple(np.mean(rows, axis=0)))
        print(f"{name:<14} mean    {means}  deviation of accuracy {deviation:.3f}")


def line(row: tuple[float, ...]) -> str:
    """Return the figures in words."""
    return f"accuracy {row[0]:.3f}  balanced {row[1]:.3f}  macro F1 {row[2]:.3f}"


def network(store: FeatureStore, fit: ClassFit) -> tuple[list[str], list[str]]:
    """Return truth and answers of the classifier."""
    result = cross_validate(store, [clip.label for clip in store.clips], fit)
    return list(result.truth), list(result.predicted)


def classical(store: FeatureStore, model: Any) -> tuple[list[str], list[str]]:
    """Return truth and answers of a classifier of statistics."""
    labels = [clip.label for clip in store.clips]
    values = np.array([statistics(np.array(store.clip_frames(i))) for i in range(len(labels))])
    folds = fold_of(store.clips, labels, np.arange(len(labels)), 0, seed=0)
    truth: list[str] = []
    predicted: list[str] = []
    for fold in np.unique(folds):
        tested = folds == fold
        model.fit(values[~tested], np.array(labels)[~tested])
        truth += np.array(labels)[tested].tolist()
        predicted += model.predict(values[tested]).tolist()
    return truth, predicted


def statistics(frames: Array) -> Array:
    """Return mean, deviation and mean absolute step of every coefficient [shape=(3 * n_mfcc,)]."""
    return np.concatenate(
        [frames.mean(axis=0), frames.std(axis=0), np.abs(np.diff(frames, axis=0)).mean(axis=0)]
    )


if __name__ == "__main__":
    main()
