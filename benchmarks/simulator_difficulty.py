"""How hard the simulated sets are for the DCASE 2020 Task 2 baseline and for other methods.

The autoencoder is the published recipe (``recipe.py``), so that the figures can be compared with
other programs. The other columns:

* a Gaussian on the quiet frames of each band, and one on the mean and deviation of each band: what
  a detector can gain that uses the times of a low background, or events;
* the adjusted Rand index of three k-means groups of the anomalous clips against the true faults, by
  MFCC with the mean of each id's normal clips removed, and the accuracy of a linear classifier of
  the faults on the same features (five-fold).

    python benchmarks/simulator_difficulty.py --machines fan --snrs -6 0 6 --seeds 0 1 2
"""

import argparse
import csv
import re
import tempfile
import time
import zipfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

import librosa
import numpy as np
import numpy.typing as npt
from recipe import N_MELS, build, file_to_vectors
from sklearn.cluster import KMeans
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.faults import FAULTS
from stethoscope.datasets.simulator.machine import MACHINES
from stethoscope.datasets.simulator.signals import RATE

Array = npt.NDArray[np.float64]
MFCCS = 40


class Recordings:
    """Features of the clips of one machine type, with split, id and fault of each clip."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.rglob("*.wav"))
        with next(folder.rglob("faults.csv")).open(newline="") as file:
            faults = {Path(row["path"]).name: row["fault"] for row in csv.DictReader(file)}
        self.train = np.array([path.parent.name == "train" for path in paths])
        self.fault = np.array(
            [
                "" if train else faults.get(path.name, "")
                for path, train in zip(paths, self.train, strict=True)
            ]
        )
        self.machine_id = np.array([re.findall(r"_id_(\d\d)_", path.name)[0] for path in paths])
        self.vectors = [file_to_vectors(path).astype(np.float32) for path in paths]
        self.mfcc = np.array(
            [
                librosa.feature.mfcc(y=librosa.load(path, sr=None)[0], sr=RATE, n_mfcc=MFCCS).mean(
                    axis=1
                )
                for path in paths
            ]
        )

    def mean_auc(self, scores: Array, fault: str | None = None, **options: float) -> float:
        """Return the mean AUC over ids, for one fault or for all."""
        aucs = []
        for machine_id in np.unique(self.machine_id):
            here = ~self.train & (self.machine_id == machine_id)
            if fault is not None:
                here &= (self.fault == "") | (self.fault == fault)
            aucs.append(roc_auc_score(self.fault[here] != "", scores[here], **options))
        return float(np.mean(aucs))

    def deviations(self, values: Array) -> Array:
        """Return the deviation from the mean of each id's training clips."""
        result = values.copy()
        for machine_id in np.unique(self.machine_id):
            own = self.machine_id == machine_id
            result[own] -= values[own & self.train].mean(axis=0)
        return result


def autoencoder_scores(recordings: Recordings, epochs: int, seed: int) -> Array:
    """Return the baseline's score of every clip."""
    import keras

    keras.utils.set_random_seed(seed)
    model = build()
    data = np.concatenate(
        [
            vectors
            for vectors, train in zip(recordings.vectors, recordings.train, strict=True)
            if train
        ]
    )
    model.fit(
        data, data, epochs=epochs, batch_size=512, shuffle=True, validation_split=0.1, verbose=0
    )
    scores: Array = np.array(
        [
            np.mean(np.square(vectors - model(vectors, training=False).numpy()))
            for vectors in recordings.vectors
        ]
    )
    return scores


def pooled_scores(recordings: Recordings, pool: Callable[[Array], Array]) -> Array:
    """Return the Mahalanobis distance of each clip's pooled spectrum from its id's normal mean.

    All ids have one covariance.
    """
    pooled = np.array(
        [pool(vectors[:, :N_MELS].T.astype(np.float64)) for vectors in recordings.vectors]
    )
    deviation = recordings.deviations(pooled)
    distances: Array = LedoitWolf().fit(deviation[recordings.train]).mahalanobis(deviation)
    return distances


def quiet_frames(log_mel: Array) -> Array:
    """Return the 10th percentile of each band, without the clip's level.

    It is the sound at the times of a low background.
    """
    quiet = np.percentile(log_mel, 10, axis=1)
    levelled: Array = quiet - quiet.mean()
    return levelled


def mean_and_deviation(log_mel: Array) -> Array:
    """Return mean and standard deviation of each band over time, without the clip's level.

    Strokes and events are in the deviation.
    """
    return np.concatenate((log_mel.mean(axis=1) - log_mel.mean(), log_mel.std(axis=1)))


def fault_distinctness(recordings: Recordings) -> tuple[float, float]:
    """Return the adjusted Rand index of unsupervised groups, and the accuracy of a classifier."""
    anomalous = recordings.fault != ""
    deviations, faults = (
        recordings.deviations(recordings.mfcc)[anomalous],
        recordings.fault[anomalous],
    )
    groups = KMeans(len(FAULTS), n_init=10, random_state=0).fit_predict(
        PCA(2).fit_transform(StandardScaler().fit_transform(deviations))
    )
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    return float(adjusted_rand_score(faults, groups)), float(
        cross_val_score(classifier, deviations, faults, cv=5).mean()
    )


COLUMNS = ("AUC", "pAUC", *FAULTS, "quiet frames", "mean, deviation", "fault ARI", "fault accuracy")


def simulated(machine: str, snr_db: float, seed: int) -> tuple[Recordings, float]:
    """Return the features of a simulated set, and how many clips were simulated per second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.zip"
        start = time.perf_counter()
        simulate_archive(path, machine=machine, seed=seed, snr_db=snr_db)
        seconds = time.perf_counter() - start
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        recordings = Recordings(Path(folder) / machine)
    return recordings, len(recordings.train) / seconds


def figures_of(recordings: Recordings, epochs: int, seed: int) -> list[float]:
    """Return the values of :data:`COLUMNS`."""
    scores = autoencoder_scores(recordings, epochs, seed)
    return [
        recordings.mean_auc(scores),
        recordings.mean_auc(scores, max_fpr=0.1),
        *(recordings.mean_auc(scores, fault) for fault in FAULTS),
        *(
            recordings.mean_auc(pooled_scores(recordings, pool))
            for pool in (quiet_frames, mean_and_deviation)
        ),
        *fault_distinctness(recordings),
    ]


def main() -> None:
    """Print a row per machine, signal-to-noise ratio and seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--machines", nargs="+", choices=MACHINES, default=list(MACHINES))
    parser.add_argument("--snrs", nargs="+", type=float, default=[0.0], help="in dB")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--epochs", type=int, default=100, help="of the autoencoder")
    arguments = parser.parse_args()
    print(f"| machine | SNR dB | seed | {' | '.join(COLUMNS)} | clips/s |")
    print("|---" * (4 + len(COLUMNS)) + "|")
    for machine, snr_db, seed in product(arguments.machines, arguments.snrs, arguments.seeds):
        recordings, speed = simulated(machine, snr_db, seed)
        figures = figures_of(recordings, arguments.epochs, seed)
        cells = " | ".join(f"{figure:.3f}" for figure in figures)
        print(f"| {machine} | {snr_db:g} | {seed} | {cells} | {speed:.0f} |", flush=True)


if __name__ == "__main__":
    main()
