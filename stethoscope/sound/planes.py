"""Features of several channels, of clips that are brought to one length."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np

from stethoscope.errors import refuse
from stethoscope.sound.audio import Samples
from stethoscope.sound.definition import FeatureDefinition, Frames
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc

Pad = Literal["repeat", "silence"]
LONGEST = 600.0
"""Largest value of `Planes.seconds`."""


@dataclass(frozen=True, kw_only=True)
class Planes(FeatureDefinition):
    """A feature of several channels of clips of one length.

    A frame holds the values of the first channel, then those of the second, and so on: they are the
    channels of the picture that a convolution reads.

    Attributes
    ----------
    of : LogMel or Mfcc
        What is computed for each channel; its ``channel`` is the first one.
    channels : int
        Number of neighbouring channels. A mono recording is repeated on all of them.
    seconds : float
        Length of a network's input; 0 keeps the lengths of clips.
    pad : {"repeat", "silence"}
        How a shorter clip is extended: by repeating it, or by silence before and after it, in equal
        parts.
    cut : bool
        Use only the beginning of a longer clip. Otherwise windows cover all of it.
    """

    kind: ClassVar[str] = "planes"

    of: LogMel | Mfcc
    channels: int = 1
    seconds: float = 0.0
    pad: Pad = "repeat"
    cut: bool = False

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= self.channels <= 8:
            problems.append(
                f"class_channels is {self.channels}; give 1 for mono, 2 for stereo, at most 8"
            )
        if not 0 <= self.seconds <= LONGEST:
            problems.append(
                f"class_seconds is {self.seconds}; give at most {LONGEST:g}, or 0 to leave lengths as they are"
            )
        if self.pad not in get_args(Pad):
            problems.append(f"class_pad is {self.pad!r}; choose one of {', '.join(get_args(Pad))}")
        if not self.seconds and (self.cut or self.pad == "silence"):
            problems.append("class_seconds is 0; give the length that clips are padded or cut to")
        refuse(problems)

    @property
    def sample_rate(self) -> int:
        """Rate to which recordings are resampled, in Hz."""
        return self.of.sample_rate

    @property
    def channel(self) -> int:
        """First channel that is read, from 0."""
        return self.of.channel

    @property
    def n_fft(self) -> int:
        """Length of a frame, in samples."""
        return self.of.n_fft

    @property
    def hop_length(self) -> int:
        """Step from frame to frame, in samples."""
        return self.of.hop_length

    @property
    def size(self) -> int:
        """Values per frame, of all channels."""
        return self.channels * self.of.size

    @property
    def window(self) -> int:
        """Number of frames of a network's input; 0 where the lengths of clips are kept."""
        return self.of.n_frames(self._samples) if self.seconds else 0

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a recording of `n_samples` samples."""
        if self.seconds and self.pad == "silence":
            n_samples = max(n_samples, self._samples)
        return self.of.n_frames(min(n_samples, self._samples) if self.cut else n_samples)

    def extract(self, samples: Samples) -> Frames:
        """Compute the feature of every channel.

        Parameters
        ----------
        samples : np.ndarray [shape=(channels, n_samples) or (n_samples,), dtype=float32]
            At ``sample_rate``; a single channel is repeated on all.

        Returns
        -------
        np.ndarray [shape=(n_frames, channels * of.size), dtype=float32]
        """
        planes = np.atleast_2d(samples)
        frames = [self.of.extract(plane) for plane in self._fitted(planes)]
        return np.concatenate(frames * self.channels if len(frames) == 1 else frames, axis=1)

    @property
    def _samples(self) -> int:
        return round(self.seconds * self.sample_rate)

    def _fitted(self, planes: Samples) -> Samples:
        if self.cut:
            planes = planes[:, : self._samples]
        missing = self._samples - planes.shape[1]
        if self.pad == "silence" and missing > 0:
            planes = np.pad(planes, ((0, 0), (missing // 2, missing - missing // 2)))
        return planes

    def at_rate(self, sample_rate: int) -> Self:
        """Return the same definition for recordings that are resampled to a rate, in Hz."""
        return replace(self, of=self.of.at_rate(sample_rate))

    def to_json(self) -> dict[str, Any]:
        """Return the definition as JSON values, ``{"kind": "planes", "of": {...}, ...}``."""
        return {**super().to_json(), "of": self.of.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Build the definition from the value of :meth:`to_json`."""
        kinds: dict[str, type[LogMel] | type[Mfcc]] = {LogMel.kind: LogMel, Mfcc.kind: Mfcc}
        of = kinds[value["of"]["kind"]].from_json(value["of"])
        return super().from_json({**value, "of": of})


def planes_of(feature: object) -> int:
    """Return the number of channels in each frame of a feature."""
    return feature.channels if isinstance(feature, Planes) else 1
