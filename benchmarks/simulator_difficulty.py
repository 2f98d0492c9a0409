"""How hard the simulated sets are: the DCASE 2020 Task 2 baseline autoencoder, what lies beyond it,
and how distinct the faults are.

The autoencoder is the published recipe (``recipe.py``), so that the figures hold for other people's
code as well. Beside it:

* a Gaussian on each band's quiet frames, and one on each band's mean and deviation: what a detector
  can gain that listens under
  a background which comes and goes, or to events;
* the adjusted Rand index of three k-means groups of the anomalous clips, by MFCC with each id's
  normal removed, against the
  true faults, and the accuracy with which a linear classifier of the same features names the fault
  (five-fold).

    python benchmarks/simulator_difficulty.py --machines fan pump slider valve --snrs -6 0 6 --seeds
    0 1 2
"""

import argparse
import csv
import re
import tempfile
import time
import zipfile
from collections.abc import Callable
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
    """The clips of one machine type as features, with what their names and the fault table say."""

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
        """Arithmetic mean over ids, of one fault or of all."""
        aucs = []
        for machine_id in np.unique(self.machine_id):
            here = ~self.train & (self.machine_id == machine_id)
            if fault is not None:
                here &= (self.fault == "") | (self.fault == fault)
            aucs.append(roc_auc_score(self.fault[here] != "", scores[here], **options))
        return float(np.mean(aucs))

    def less_normal(self, values: Array) -> Array:
        """Remove the mean of each id's training clips."""
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
    """Return the Mahalanobis distance of each clip's pooled spectrum from its id's normal, under
    one covariance for all ids.
    """
    pooled = np.array(
        [pool(vectors[:, :N_MELS].T.astype(np.float64)) for vectors in recordings.vectors]
    )
    deviation = recordings.less_normal(pooled)
    distances: Array = LedoitWolf().fit(deviation[recordings.train]).mahalanobis(deviation)
    return distances


def quiet_frames(log_mel: Array) -> Array:
    """Return each band's 10th percentile, the clip's level removed: what lies under a background
    that comes and goes.
    """
    quiet = np.percentile(log_mel, 10, axis=1)
    levelled: Array = quiet - quiet.mean()
    return levelled


def mean_and_deviation(log_mel: Array) -> Array:
    """Return each band's mean and deviation over time, the clip's level removed: strokes and events
    are in the deviation.
    """
    return np.concatenate((log_mel.mean(axis=1) - log_mel.mean(), log_mel.std(axis=1)))


def fault_distinctness(recordings: Recordings) -> tuple[float, float]:
    """Return the agreement of blind groups with the true faults, and the accuracy of a classifier
    that is told them.
    """
    anomalous = recordings.fault != ""
    deviations, faults = (
        recordings.less_normal(recordings.mfcc)[anomalous],
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


def main() -> None:
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
    for machine in arguments.machines:
        for snr_db in arguments.snrs:
            for seed in arguments.seeds:
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "set.zip"
                    began = time.perf_counter()
                    simulate_archive(path, machine=machine, seed=seed, snr_db=snr_db)
                    seconds = time.perf_counter() - began
                    with zipfile.ZipFile(path) as archive:
                        archive.extractall(folder)
                    recordings = Recordings(Path(folder) / machine)
                scores = autoencoder_scores(recordings, arguments.epochs, seed)
                figures = (
                    recordings.mean_auc(scores),
                    recordings.mean_auc(scores, max_fpr=0.1),
                    *(recordings.mean_auc(scores, fault) for fault in FAULTS),
                    *(
                        recordings.mean_auc(pooled_scores(recordings, pool))
                        for pool in (quiet_frames, mean_and_deviation)
                    ),
                    *fault_distinctness(recordings),
                )
                cells = " | ".join(f"{figure:.3f}" for figure in figures)
                print(
                    f"| {machine} | {snr_db:g} | {seed} | {cells} | {len(recordings.train) / seconds:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
