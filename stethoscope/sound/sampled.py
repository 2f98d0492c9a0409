"""Log-mel spectrograms whose frames also hold the samples."""

from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from stethoscope.sound.audio import Samples
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel


@dataclass(frozen=True, kw_only=True)
class SampledLogMel(LogMel):
    """A log-mel spectrogram for detectors that need the samples as well.

    A frame holds its mel bands, then the ``hop_length`` samples from the position of the frame on.
    The samples of consecutive frames are therefore consecutive. The last frame is filled up with
    zeros. With a far channel the samples are those of the near one.
    """

    kind: ClassVar[str] = "logmel-samples"

    @classmethod
    def of(cls, log_mel: LogMel) -> "SampledLogMel":
        """Return the definition with the same spectrogram as `log_mel`."""
        return cls(**asdict(log_mel))

    @property
    def size(self) -> int:
        """Values per frame."""
        return self.n_mels + self.hop_length

    @property
    def log_mel(self) -> LogMel:
        """The definition of the spectrogram alone."""
        return LogMel(**asdict(self))

    def extract(self, samples: Samples) -> Frames:
        """Compute the log-mel spectrogram of one channel, and add the samples to its frames.

        Parameters
        ----------
        samples : np.ndarray [shape=(n_samples,) or, with a far channel, (2, n_samples)]
            At ``sample_rate``, float32. The far channel comes second.

        Returns
        -------
        np.ndarray [shape=(n_frames, n_mels + hop_length), dtype=float32]
            The bands in decibels, ``n_frames = 1 + n_samples // hop_length``.
        """
        near = np.asarray(samples if samples.ndim == 1 else samples[0], dtype=np.float32)
        frames = np.zeros((self.n_frames(len(near)), self.size), dtype=np.float32)
        frames[:, : self.n_mels] = super().extract(samples)
        own = np.zeros(len(frames) * self.hop_length, dtype=np.float32)
        own[: len(near)] = near
        frames[:, self.n_mels :] = own.reshape(len(frames), self.hop_length)
        return frames
