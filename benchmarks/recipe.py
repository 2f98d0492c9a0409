"""The DCASE 2020 Task 2 baseline as published: the reference of the benchmarks.

File by file with librosa, context vectors stacked in double precision in memory, ``model.fit`` on
them and one ``model.predict`` per file. Only the padding is librosa 0.6's, as at the time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt

FRAMES, N_MELS, N_FFT, HOP_LENGTH, POWER = 5, 128, 1024, 512, 2.0
DIMENSIONS = FRAMES * N_MELS

Vectors = npt.NDArray[np.float64]


def file_to_log_mel(path: Path) -> npt.NDArray[np.float32]:
    """Return the log-mel spectrogram of a file [shape=(128, n_frames)]."""
    samples, rate = librosa.load(path, sr=None, mono=True)
    mel = librosa.feature.melspectrogram(
        y=samples,
        sr=rate,
        n_fft=N_FFT,
        hop_length=HOP_LENGTH,
        n_mels=N_MELS,
        power=POWER,
        pad_mode="reflect",
    )
    log_mel: npt.NDArray[np.float32] = 20.0 / POWER * np.log10(mel + np.finfo(float).eps)
    return log_mel


def file_to_vectors(path: Path) -> Vectors:
    """Return the context vectors of a file [shape=(n_vectors, 640)]."""
    log_mel = file_to_log_mel(path)
    n_vectors = log_mel.shape[1] - FRAMES + 1
    vectors = np.zeros((n_vectors, DIMENSIONS))
    for t in range(FRAMES):
        vectors[:, N_MELS * t : N_MELS * (t + 1)] = log_mel[:, t : t + n_vectors].T
    return vectors


def files_to_vectors(paths: Sequence[Path]) -> Vectors:
    """Return the vectors of all files, one after the other."""
    first = file_to_vectors(paths[0])
    data = np.zeros((len(first) * len(paths), DIMENSIONS))
    for i, path in enumerate(paths):
        data[len(first) * i : len(first) * (i + 1)] = file_to_vectors(path)
    return data


def build() -> Any:
    """Return the autoencoder, compiled."""
    import keras

    model = keras.Sequential([keras.Input((DIMENSIONS,))])
    for units in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        model.add(keras.layers.Dense(units))
        model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Activation("relu"))
    model.add(keras.layers.Dense(DIMENSIONS))
    model.compile(optimizer="adam", loss="mean_squared_error")
    return model


def score(model: Any, path: Path) -> float:
    """Return the anomaly score of a file."""
    vectors = file_to_vectors(path)
    return float(np.mean(np.square(vectors - model.predict(vectors, verbose=0))))
