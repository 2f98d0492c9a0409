"""Features of several channels, of clips that are brought to one length."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from stethoscope.checks import check, fields, text
from stethoscope.options import Problem, option
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
    channels of the picture that a convolution reads. The channels are neighbours; the first is that
    of the feature `of`. A mono recording is repeated on all of them.
    """

    kind: ClassVar[str] = "planes"

    of: LogMel | Mfcc
    channels: int = option(
        1, "Number of neighbouring channels: 1 for mono, 2 for stereo.", least=1, most=8
    )
    seconds: float = option(
        0.0,
        "Length of the network's input, in seconds; 0 takes the clips' median length.",
        least=0,
        most=LONGEST,
    )
    pad: Pad = option(
        "repeat",
        "How a clip that is too short is extended: repeat (by its own end) or silence "
        "(before and after it).",
    )
    cut: bool = option(
        False,
        "Use only the beginning of a clip that is too long, instead of several windows of it.",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between several fields."""
        if not self.seconds and (self.cut or self.pad == "silence"):
            yield Problem("seconds", "is 0; give the length to which clips are padded or cut")

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
        check(Path(f"feature {cls.kind}"), value, fields({"of": fields({"kind": text(*kinds)})}))
        of = kinds[value["of"]["kind"]].from_json(value["of"])
        return super().from_json({**value, "of": of})


def planes_of(feature: object) -> int:
    """Return the number of channels in each frame of a feature."""
    return feature.channels if isinstance(feature, Planes) else 1
