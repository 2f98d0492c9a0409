"""A recording that is to be judged: decoded once, checked, and loaded for any feature."""

import os
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.errors import AudioError
from stethoscope.sound.audio import MAX_SAMPLES, MAX_SECONDS, Decoded, Samples, decode
from stethoscope.sound.feature import Feature, at_feature_rate, channels_for_feature
from stethoscope.sound.measurement import Measurement, measure
from stethoscope.sound.parts import Source
from stethoscope.sound.suitability import Finding, find_useless


class Recording:
    """A decoded recording.

    Parameters
    ----------
    source, max_seconds, max_samples
        As for :func:`stethoscope.sound.audio.decode`.
    name : str
        Name in messages; the path by default.

    Raises
    ------
    AudioError
        If the recording cannot be decoded.
    """

    def __init__(
        self,
        source: Source,
        *,
        name: str = "",
        max_seconds: float = MAX_SECONDS,
        max_samples: int = MAX_SAMPLES,
    ) -> None:
        is_path = isinstance(source, (str, os.PathLike))
        self.name = name or (str(source) if is_path else "recording")
        self._decoded = decode(
            source, name=self.name, max_seconds=max_seconds, max_samples=max_samples
        )

    @classmethod
    def of(cls, decoded: Decoded, name: str) -> Self:
        """Return a recording, or a part of one, that is already decoded.

        Raises
        ------
        AudioError
            If it holds NaN or infinity.
        """
        if not np.isfinite(decoded.samples).all():
            raise AudioError(
                f"{name}: holds NaN or infinite samples; record or convert it again", "not_finite"
            )
        recording = cls.__new__(cls)
        recording.name, recording._decoded = name, decoded  # its own
        return recording

    def samples(self, feature: Feature) -> Samples:
        """Return the samples that a feature needs, at its rate.

        Returns
        -------
        np.ndarray [shape=(n_samples,) or, for planes, (channels, n_samples), dtype=float32]

        Raises
        ------
        AudioError
            If the recording lacks a channel.
        """
        channels = channels_for_feature(self._decoded, feature, name=self.name)
        return at_feature_rate(channels, self._decoded.sample_rate, feature)

    def measure(self, feature: Feature, *, padded: bool = False) -> Measurement:
        """Measure the first channel of a feature.

        Parameters
        ----------
        feature : Feature
        padded : bool
            As for :func:`stethoscope.sound.suitability.find_useless`.

        Raises
        ------
        AudioError
            If the recording is useless for any model, such as digital silence.
        """
        channel = channels_for_feature(self._decoded, feature, name=self.name)[0]
        measured = measure(channel, self._decoded.sample_rate, self._decoded)
        if useless := find_useless(measured, padded=padded):
            raise self.refusal(useless)
        return measured

    def refusal(self, finding: Finding) -> AudioError:
        """Return the error that refuses the recording for a finding."""
        return AudioError(f"{self.name}: {finding.message}", finding.reason)

    def check_finite(self, scores: npt.ArrayLike) -> None:
        """Refuse scores that are no numbers, whatever their cause: they would pass as normal.

        Raises
        ------
        AudioError
            If a score is NaN or infinite.
        """
        if not np.isfinite(scores).all():
            raise AudioError(
                f"{self.name}: its score is not a finite number; record it again,"
                " or check the model",
                "not_finite",
            )
