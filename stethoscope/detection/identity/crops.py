"""Random windows of clips, with the machines as classes."""

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.identity.inputs import STEP, Resolutions, at_least
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.machines import type_of
from stethoscope.model.training import Batches, mix_pairs
from stethoscope.progress import track
from stethoscope.sound.definition import Frames
from stethoscope.sound.resampling import resample
from stethoscope.stats.moments import Moments

Indices = npt.NDArray[np.intp]

SPEEDS = (1.0, 2**0.125, 2**-0.125, 2**0.25, 2**-0.25)
"""Speeds that make several classes of one machine; the first changes nothing."""

_MIXUP = 0.4  # both parameters of the beta distribution of the share of the first of two windows
_BATCH = 32
_LEAST_BATCHES = 32  # per epoch: the clips of a small set occur several times in an epoch
_RESAMPLED_HZ = 8000  # a number that speeds multiply to whole rates


@dataclass
class TrainingInputs:
    """The inputs of the training clips, at all speeds.

    The spectrograms lie in a temporary file, so that memory grows with the number of clips by their
    spectra alone.

    Attributes
    ----------
    store : FeatureStore
        Spectrograms as :class:`~stethoscope.detection.identity.inputs.ClipInputs` has them; a clip
        per clip and speed.
    spectra : np.ndarray [shape=(n_clips, spectrum_bins), dtype=float32]
    classes : np.ndarray of int [shape=(n_clips,)]
    n_classes : int
    held_out : np.ndarray of bool [shape=(n_clips,)]
        Whether the clip is not trained on.
    """

    store: FeatureStore
    spectra: npt.NDArray[np.float32]
    classes: Indices
    n_classes: int
    held_out: npt.NDArray[np.bool_]
    folder: "tempfile.TemporaryDirectory[str]"

    @classmethod
    def of(
        cls, store: FeatureStore, training: Indices, held_out: Indices, resolutions: Resolutions
    ) -> Self:
        """Compute the inputs of clips.

        Machines are the classes. If a machine type has one id only, there is nothing to tell it
        from, and every machine has a class per speed.
        """
        machines = sorted({store.clips[index].machine for index in training})
        ids_of_type = Counter(type_of(machine) for machine in machines)
        speeds = SPEEDS if min(ids_of_type.values()) == 1 else SPEEDS[:1]
        folder = tempfile.TemporaryDirectory(prefix="stethoscope-")
        spectra, classes, kept_out = [], [], []
        clips = np.concatenate([training, held_out])
        with FeatureWriter(Path(folder.name)) as writer:
            for place, index in enumerate(track(clips, label="transform", total=len(clips))):
                machine = machines.index(store.clips[index].machine)
                frames = np.array(store.clip_frames(index))
                store.release()
                for number, speed in enumerate(speeds):
                    inputs = resolutions.of(at_speed(frames, resolutions, speed))
                    writer.add(store.clips[index], inputs.rows)
                    spectra.append(inputs.spectrum)
                    classes.append(machine * len(speeds) + number)
                    kept_out.append(place >= len(training))
            writer.finish(store.feature)
        return cls(
            FeatureStore.open(folder.name),
            np.stack(spectra),
            np.array(classes),
            len(machines) * len(speeds),
            np.array(kept_out),
            folder,
        )

    def statistics(self, resolutions: Resolutions) -> tuple[Frames, Frames]:
        """Return mean and variance of every band and bin over the clips that are trained on.

        Returns
        -------
        tuple of np.ndarray [shape=(n_bands_of_all_spectrograms + spectrum_bins,)]
        """
        shapes = resolutions.shapes
        moments = [Moments(bands) for _, bands in shapes]
        trained = np.flatnonzero(~self.held_out)
        for clip in trained.tolist():
            column = 0
            for of_bands, (frames, bands) in zip(moments, shapes, strict=True):
                width = frames * bands // STEP
                rows = self.store.clip_frames(clip)[:, column : column + width]
                of_bands.add(np.ascontiguousarray(rows).reshape(-1, bands))
                column += width
            self.store.release()
        means = [one.mean()[0] for one in moments]
        variances = [one.variance()[0] for one in moments]
        means.append(self.spectra[trained].mean(axis=0, dtype=np.float64))
        variances.append(self.spectra[trained].var(axis=0, dtype=np.float64))
        return np.concatenate(means).astype(np.float32), np.concatenate(variances).astype(
            np.float32
        )


def at_speed(frames: Frames, resolutions: Resolutions, speed: float) -> Frames:
    """Return the frames of a clip that is played faster or slower, at a changed pitch.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, feature.size)]
    resolutions : Resolutions
    speed : float
        How many times as fast; 1 returns the clip as it is.
    """
    if speed == 1.0:
        return frames
    feature = resolutions.feature
    samples = np.ascontiguousarray(frames[:, feature.n_mels :]).ravel()
    faster = resample(samples, round(_RESAMPLED_HZ * speed), _RESAMPLED_HZ)
    if feature.far_channel >= 0:  # the background was subtracted from the bands of the clip alone
        faster = np.stack([faster, np.zeros_like(faster)])
    changed = feature.extract(faster)
    return changed if len(changed) >= STEP else at_least(changed, STEP)


class Crops(Batches):
    """Batches of random windows of clips, mixed in pairs, with their classes.

    Parameters
    ----------
    inputs : TrainingInputs
    clips : np.ndarray of int
        Indices of the clips within `inputs`.
    window : int
        Rows per window, a multiple of `STEP`.
    seed : int
    mixup : bool
        Mix pairs of windows and their classes.
    n_outputs : int
        How many losses are computed from the same classes.

    Notes
    -----
    A batch is ``((windows, labels), (labels, ...))``: windows
    [shape=(batch, window * n_columns + spectrum_bins)], labels [shape=(batch, n_classes)].
    """

    def __init__(
        self,
        inputs: TrainingInputs,
        clips: Indices,
        window: int,
        *,
        seed: int,
        mixup: bool,
        n_outputs: int = 1,
    ) -> None:
        self._inputs = inputs
        self._window = window
        self._rng = np.random.default_rng(seed)
        self._mixup = mixup
        self._n_outputs = n_outputs
        # A clip gives as many windows as it holds; an epoch has enough batches to learn from.
        self._clips = np.repeat(clips, -(-inputs.store.n_frames[clips] // window))
        self._count = max(len(self._clips), _LEAST_BATCHES * _BATCH) if mixup else len(self._clips)
        super().__init__(_BATCH)

    def gather(self, indices: Indices) -> tuple[tuple[Frames, Frames], tuple[Frames, ...]]:
        """Return windows of clips, with their classes, as described in the notes."""
        windows = np.stack([self._crop(clip) for clip in indices])
        self._inputs.store.release()
        labels = np.eye(self._inputs.n_classes, dtype=np.float32)[self._inputs.classes[indices]]
        if self._mixup:
            windows, labels = mix_pairs(windows, labels, _MIXUP, self._rng)
        return (windows, labels), (labels,) * self._n_outputs

    def draw_order(self) -> Indices:
        """Return the clips of an epoch, in random order; a clip may occur several times."""
        rounds = -(-self._count // len(self._clips))
        drawn = [self._rng.permutation(self._clips) for _ in range(rounds)]
        return np.concatenate(drawn)[: self._count]

    def _crop(self, clip: int) -> npt.NDArray[np.float32]:
        rows = at_least(self._inputs.store.clip_frames(clip), self._window)
        start = STEP * self._rng.integers((len(rows) - self._window) // STEP + 1)
        crop = rows[start : start + self._window]
        return np.concatenate([crop.ravel(), self._inputs.spectra[clip]])
