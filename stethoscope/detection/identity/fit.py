"""Training of the detector id-classifier; it is described in README.md."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.detector import Detector
from stethoscope.detection.gaussians import fit_gaussians
from stethoscope.detection.identity import ID_CLASSIFIER
from stethoscope.detection.identity.crops import Crops, TrainingInputs
from stethoscope.detection.identity.inputs import STEP, Resolutions
from stethoscope.detection.identity.network import BRANCH_SIZE, SubClusterAdaCos, build
from stethoscope.detection.identity.references import NormalEmbeddings, local_spreads
from stethoscope.detection.identity.score import RECIPE, BranchEmbedder
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.spectra import NormalSpectra
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.model.network import Network
from stethoscope.model.progress import EpochProgress
from stethoscope.model.tensorflow import keras
from stethoscope.model.tflite import write_tflite
from stethoscope.model.training import Trainer
from stethoscope.progress import track
from stethoscope.sound.sampled import SampledLogMel
from stethoscope.stats.moments import Moments

Indices = npt.NDArray[np.intp]

WINDOW = 128
"""Rows per window, at most: four seconds at the default feature."""

_LEARNING_RATE = 1e-3
_LEAST_VARIANCE = 0.1  # dB²: bands are divided by their deviation


@dataclass
class IdClassifier(Detector):
    """One network for all machines of all types.

    Parameters
    ----------
    score : {"density", "cosine", "mahalanobis"}
        Distance of a clip from its machine's normal clips: that from the nearest one in units of
        the spread around it, cosine distance from the nearest two, or Mahalanobis distance from
        their mean.
    epochs : int
        Most epochs of training. The weights are those of the epoch with the lowest loss of the
        clips held out.
    verbose : {0, 1, 2}
        0 shows no progress, 1 a progress bar, 2 a line per epoch.
    seed : int
        Of weights and of every draw.

    Attributes
    ----------
    network_ : keras.Model
        Input [shape=(batch, window_ * n_columns + spectrum_bins)], output
        [shape=(batch, n_branches * 64)].
    window_ : int
        Rows per window: `WINDOW`, or as many as the shortest clip has.
    resolutions_ : Resolutions
    curves_ : dict
        Loss curves of the classification, of all machine types together.
    """

    kind: ClassVar[str] = ID_CLASSIFIER.name

    score: str = "density"
    epochs: int = 16
    verbose: int = 1
    seed: int = 0

    @classmethod
    def from_options(cls, options: DetectorOptions, fit: FitOptions) -> Self:
        """Make an unfitted detector."""
        return cls(options.scores_by, options.epochs, fit.verbose, fit.seed)

    def fit(self, store: FeatureStore, training: Indices, held_out: Indices) -> Self:
        """Fit on the clips `training`; those `held_out` choose the epoch.

        Raises
        ------
        DatasetError
            If the store has no samples, or a clip is too short.
        """
        keras.utils.set_random_seed(self.seed)
        self._store, self._training = store, training
        self.resolutions_ = _resolutions(store)
        shortest = int(store.n_frames[np.concatenate([training, held_out])].min())
        if shortest < STEP:
            raise DatasetError(
                f"a clip has {shortest} frames, id-classifier needs {STEP}; "
                "leave out clips that are so short"
            )
        self.window_ = min(WINDOW, shortest) // STEP * STEP
        inputs = TrainingInputs.of(store, training, held_out, self.resolutions_)
        mean, variance = inputs.statistics(self.resolutions_)
        self.network_ = build(
            self.window_, self.resolutions_.shapes, mean, np.maximum(variance, _LEAST_VARIANCE)
        )
        model, n_outputs = _classifier(self.network_, inputs.n_classes)

        def crops(held_out: bool) -> Crops:
            clips = np.flatnonzero(inputs.held_out == held_out)
            return Crops(
                inputs,
                clips,
                self.window_,
                seed=self.seed,
                mixup=not held_out,
                n_outputs=n_outputs,
            )

        curves, self.best_epoch_ = Trainer(model).fit(
            crops(held_out=False),
            validation=crops(held_out=True) if len(held_out) else None,
            epochs=self.epochs,
            patience=self.epochs if len(held_out) else None,
            progress=EpochProgress("train id-classifier", self.epochs, self.verbose),
        )
        self.curves_ = {
            "all machines": {name: curves[name] for name in ("loss", "val_loss") if name in curves}
        }
        return self

    def save(self, folder: Path) -> dict[str, Any]:
        """Write ``embedding.keras`` and ``embedding.tflite``, and ``references.npz``.

        The references are the embeddings of the training clips.
        """
        self.network_.save(folder / "embedding.keras")
        size = int(self.network_.input_shape[1])
        write_tflite(
            self.network_, folder / "embedding.tflite", shape=(None, size), probe=(3, size)
        )
        references = self._references(Network(folder / "embedding.tflite"))
        references.save(folder / "references.npz")
        return {
            "recipe": RECIPE,
            "machines": list(references.machines),
            "window": self.window_,
            "spectrum_bins": self.resolutions_.spectrum_bins,
            "score": self.score,
            "epochs": self.epochs,
            "best_epoch": self.best_epoch_,
            "seed": self.seed,
        }

    def _references(self, network: Network) -> NormalEmbeddings:
        """Return the embeddings of the training clips by the exported network."""
        store, bands = self._store, self.resolutions_.feature.n_mels
        machines, owners = np.unique(
            [store.clips[index].machine for index in self._training], return_inverse=True
        )
        embedder = BranchEmbedder(network, self.resolutions_, self.window_)
        moments, embedded = Moments(bands, len(machines)), []
        for index, owner in track(
            zip(self._training, owners, strict=True), label="embed", total=len(owners)
        ):
            frames = np.array(store.clip_frames(index))
            store.release()
            moments.add(frames[:, :bands], owner)
            embedded.append(embedder(frames))
        sessions = np.array([store.clips[index].session for index in self._training])
        embeddings = np.stack(embedded)
        flat = [one.reshape(1, -1) for one in embedded]
        return NormalEmbeddings(
            machines=tuple(map(str, machines)),
            embeddings=embeddings,
            owners=owners,
            gaussians=fit_gaussians(flat, owners, len(machines)),
            spectra=NormalSpectra(moments.mean(), moments.variance()),
            spreads=local_spreads(embeddings, owners, sessions),
        )


def _resolutions(store: FeatureStore) -> Resolutions:
    if not isinstance(store.feature, SampledLogMel):
        raise DatasetError(
            "the features hold no samples, which id-classifier needs; "
            "extract them again with detector=id-classifier"
        )
    return Resolutions(store.feature)


def _classifier(network: keras.Model, n_classes: int) -> tuple[keras.Model, int]:
    """Return the model that is trained, and how many outputs it has.

    Each branch distinguishes the classes on its own, and all do together: a branch would learn
    little where another one alone can tell the machines apart.
    """
    labels = keras.Input((n_classes,))
    size = int(network.output_shape[1])
    branches = [
        network.output[:, start : start + BRANCH_SIZE] for start in range(0, size, BRANCH_SIZE)
    ]
    outputs = [SubClusterAdaCos(n_classes)(one, labels) for one in (*branches, network.output)]
    model = keras.Model([network.input, labels], outputs)
    model.compile(
        keras.optimizers.AdamW(_LEARNING_RATE), ["categorical_crossentropy"] * len(outputs)
    )
    return model, len(outputs)
