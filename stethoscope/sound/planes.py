"""How labelled clips are presented to a network: one channel or several, brought to one length."""

from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np

from stethoscope.errors import refuse
from stethoscope.sound.audio import Samples
from stethoscope.sound.logmel import Frames, LogMel
from stethoscope.sound.mfcc import Mfcc

Pad = Literal["repeat", "silence"]
LONGEST = 600.0
"""Longest length that clips are brought to, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Planes:
    """A feature of several channels, side by side, of clips of one length.

    A frame holds the values of the first channel, then those of the second: planes of one picture,
    as a convolution takes them.

    Attributes
    ----------
    of : LogMel or Mfcc
        What is computed of each channel; its ``channel`` is the first one.
    channels : int
        Neighbouring channels that are heard. A mono recording is heard alike on all.
    seconds : float
        Length that the network hears at once; 0 leaves lengths as they are.
    pad : {"repeat", "silence"}
        How a shorter clip is extended: by its own end, as often as needed, or by silence before and
        after it, in equal parts.
    cut : bool
        Hear only the beginning of a longer clip. Otherwise all of it is covered by windows.
    """

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
        """Rate that recordings are brought to, in Hz."""
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
        """Frames of the length that the network hears at once; 0 where lengths are left as they
        are.
        """
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
            At ``sample_rate``; one channel is heard alike on all.

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

    def to_json(self) -> dict[str, Any]:
        """Return the definition as JSON values, ``{"kind": "planes", "of": {...}, ...}``."""
        others = {
            "channels": self.channels,
            "seconds": self.seconds,
            "pad": self.pad,
            "cut": self.cut,
        }
        return {"kind": "planes", "of": self.of.to_json(), **others}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Build the definition from :meth:`to_json`'s value."""
        of = (LogMel if value["of"]["kind"] == "logmel" else Mfcc).from_json(value["of"])
        return cls(of=of, **{key: item for key, item in value.items() if key not in ("kind", "of")})


def planes_of(feature: object) -> int:
    """Return how many channels stand side by side in every frame of a feature."""
    return feature.channels if isinstance(feature, Planes) else 1
