"""Training of the detector id-classifier; it is described in README.md."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import keras
import numpy as np
import numpy.typing as npt

from stethoscope.detection.detector import Detector
from stethoscope.detection.gaussians import fit_gaussians
from stethoscope.detection.identity import ID_CLASSIFIER
from stethoscope.detection.identity.crops import Crops
from stethoscope.detection.identity.network import SubClusterAdaCos, build
from stethoscope.detection.identity.score import NormalEmbeddings, embed
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.spectra import NormalSpectra
from stethoscope.features.store import FeatureStore
from stethoscope.model.network import Network
from stethoscope.model.progress import EpochProgress
from stethoscope.model.tflite import write_tflite
from stethoscope.model.training import fit_network
from stethoscope.progress import track
from stethoscope.sound.definition import Frames
from stethoscope.stats.moments import Moments

Indices = npt.NDArray[np.intp]

WINDOW = 128
"""Frames per window, at most: four seconds at the default feature."""

_LEARNING_RATE = 1e-3
_LEAST_VARIANCE = 1e-3  # dB²: bands are divided by their deviation


@dataclass
class IdClassifier(Detector):
    """One network for all machines of all types.

    Parameters
    ----------
    score : {"cosine", "mahalanobis"}
        Distance of a clip from its machine's normal clips: cosine distance from the nearest two, or
        Mahalanobis distance from their mean.
    epochs : int
        Epochs of training.
    verbose : {0, 1, 2}
        0 shows no progress, 1 a progress bar, 2 a line per epoch.
    seed : int
        Of weights and of every draw.

    Attributes
    ----------
    network_ : keras.Model
        Input [shape=(batch, window_, n_mels)], output [shape=(batch, 128)].
    window_ : int
        Frames per window: `WINDOW`, or as many as the shortest clip has.
    curves_ : dict
        Loss curves of the classification, of all machine types together.
    """

    kind: ClassVar[str] = ID_CLASSIFIER.name

    score: str = "cosine"
    epochs: int = 16
    verbose: int = 1
    seed: int = 0

    @classmethod
    def from_options(cls, options: DetectorOptions, fit: FitOptions) -> Self:
        """Make an unfitted detector."""
        return cls(options.scores_by, options.epochs, fit.verbose, fit.seed)

    def fit(self, store: FeatureStore, training: Indices, held_out: Indices) -> Self:
        """Fit on the clips `training`; those `held_out` only measure the validation loss."""
        keras.utils.set_random_seed(self.seed)
        self._store, self._training = store, training
        window = int(min(WINDOW, store.n_frames[training].min()))
        crops = Crops(store, training, window, seed=self.seed, mixup=True)
        validation = None
        if len(held_out):
            validation = Crops(
                store, held_out, window, seed=self.seed, mixup=False, machines=crops.machines
            )
        self.window_ = window
        self.network_ = build(window, *band_statistics(store, training))
        labels = keras.Input((crops.n_classes,))
        classes = SubClusterAdaCos(crops.n_classes)(self.network_.output, labels)
        model = keras.Model([self.network_.input, labels], classes)
        model.compile(keras.optimizers.AdamW(_LEARNING_RATE), "categorical_crossentropy")
        progress = EpochProgress("train id-classifier", self.epochs, self.verbose)
        curves, _ = fit_network(
            model, crops, validation=validation, epochs=self.epochs, callbacks=[progress]
        )
        self.curves_ = {"all machines": curves}
        return self

    def save(self, folder: Path) -> dict[str, Any]:
        """Write ``embedding.keras`` and ``embedding.tflite``, and ``references.npz``.

        The references are the embeddings of the training clips.
        """
        self.network_.save(folder / "embedding.keras")
        shape = (self.window_, self._store.feature.size)
        write_tflite(
            self.network_, folder / "embedding.tflite", shape=(None, *shape), probe=(3, *shape)
        )
        references = self._references(Network(folder / "embedding.tflite"))
        references.save(folder / "references.npz")
        return {
            "machines": list(references.machines),
            "window": self.window_,
            "score": self.score,
            "epochs": self.epochs,
            "seed": self.seed,
        }

    def _references(self, network: Network) -> NormalEmbeddings:
        """Return the embeddings of the training clips by the exported network."""
        store = self._store
        machines, owners = np.unique(
            [store.clips[index].machine for index in self._training], return_inverse=True
        )
        moments, embeddings = Moments(store.feature.size, len(machines)), []
        for index, owner in track(
            zip(self._training, owners, strict=True), label="embed", total=len(owners)
        ):
            frames = np.array(store.clip_frames(index))
            store.release()
            moments.add(frames, owner)
            embeddings.append(embed(network, frames, self.window_))
        return NormalEmbeddings(
            machines=tuple(map(str, machines)),
            embeddings=np.stack(embeddings),
            owners=owners,
            gaussians=fit_gaussians([one[np.newaxis] for one in embeddings], owners, len(machines)),
            spectra=NormalSpectra(moments.mean(), moments.variance()),
        )


def band_statistics(store: FeatureStore, clips: Indices) -> tuple[Frames, Frames]:
    """Return mean and variance of every band over all frames of the clips [shape=(n_mels,)]."""
    moments = Moments(store.feature.size)
    for index in clips:
        moments.add(np.array(store.clip_frames(index)))
        store.release()
    variance = np.maximum(moments.variance()[0], _LEAST_VARIANCE)
    return moments.mean()[0].astype(np.float32), variance.astype(np.float32)
