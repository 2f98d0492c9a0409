"""A feature store that is being written, and the decoded recordings that its clips are from."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stethoscope.datasets.alterations import alter
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.playable import PlayableWriter
from stethoscope.datasets.splits import Cutting
from stethoscope.features.outcomes import LeftOut, Outcome, Outcomes, Used
from stethoscope.features.store import FeatureWriter
from stethoscope.sound.audio import Decoded, Samples
from stethoscope.sound.feature import (
    Feature,
    at_feature_rate,
    channels_for_feature,
    what_is_read,
)
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.measurement import Measurement, measure
from stethoscope.sound.suitability import find_useless


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """A feature store that is to be written.

    Attributes
    ----------
    clips : sequence of Clip
        A clip's ``source`` is the name of an archive.
    feature : Feature
        With sample rate 0 all recordings are resampled to the rate of the first readable one.
    folder : path
        Where the store is written.
    min_frames : int
        Clips with fewer frames are skipped, because they are shorter than one window.
    padded : bool
        Whether clips may be extended by digital silence, as in many sets of labelled sounds.
    """

    clips: Sequence[Clip]
    feature: Feature
    folder: str | os.PathLike[str]
    min_frames: int = 1
    padded: bool = False


class DecodedPart:
    """A decoded recording, or a part that was cut from it, with what several stores share.

    Parameters
    ----------
    decoded : Decoded
    name : str
        Of the recording.
    is_clip : bool
        Whether it is one clip as a whole; otherwise clips are intervals of it.
    """

    def __init__(self, decoded: Decoded, name: str, *, is_clip: bool) -> None:
        self.decoded = decoded
        self._name = name
        self._is_clip = is_clip
        self._samples: dict[object, tuple[Samples, Samples]] = {}
        self._measured: dict[object, Measurement] = {}

    def samples(self, feature: Feature) -> tuple[Samples, Samples]:
        """Return the samples for a feature as they are, and at its rate.

        Raises
        ------
        AudioError
            If a channel does not exist.
        """
        key = what_is_read(feature)
        if key not in self._samples:
            native = channels_for_feature(self.decoded, feature, name=self._name)
            resampled = at_feature_rate(native, self.decoded.sample_rate, feature)
            self._samples[key] = native, resampled
        return self._samples[key]

    def clip(self, feature: Feature, clip: Clip) -> tuple[Samples, Samples]:
        """Return the samples of a clip: of the first channel as they are, and for a feature."""
        native, samples = self.samples(feature)
        if self._is_clip:
            return native[0], samples
        rate = self.decoded.sample_rate
        return _cut(native[0], rate, clip), _cut(samples, feature.sample_rate, clip)

    def measured(self, feature: Feature, clip: Clip, native: Samples) -> Measurement:
        """Return what is measured of the samples of a clip as they are."""
        key = (what_is_read(feature).channel, clip.start, clip.end)
        if key not in self._measured:
            self._measured[key] = measure(native, self.decoded.sample_rate, self.decoded)
        return self._measured[key]


class Target:
    """A feature store that is being written; clips are computed in any thread, added in one.

    Parameters
    ----------
    extraction : Extraction
    writer : FeatureWriter
    cutting : Cutting or None
        As for :class:`~stethoscope.features.outcomes.Outcomes`, if the feature is a log-mel
        spectrogram.
    playable : PlayableWriter or None
        Keeps recordings that a report may play.
    """

    def __init__(
        self,
        extraction: Extraction,
        writer: FeatureWriter,
        cutting: Cutting | None,
        playable: PlayableWriter | None,
    ) -> None:
        self.clips = extraction.clips
        self.feature = extraction.feature
        self._extraction = extraction
        self._writer = writer
        self._playable = playable
        self._outcomes = Outcomes(cutting if isinstance(self.feature, LogMel) else None)

    def compute(self, clip: Clip, part: DecodedPart) -> Outcome:
        """Compute the feature of a clip, unless it is useless or too short."""
        feature = self.feature
        native, samples = part.clip(feature, clip)
        measured = part.measured(feature, clip, native) if len(native) else None
        padded = self._extraction.padded
        if measured and (useless := find_useless(measured, padded=padded)):
            return LeftOut(f"{_name(clip)}: {useless.message}", useless.reason)
        n_samples, least = samples.shape[-1], self._extraction.min_frames
        if measured is None or not n_samples or feature.n_frames(n_samples) < least:
            seconds = n_samples / feature.sample_rate
            return LeftOut(
                f"{_name(clip)}: {seconds:.3f} s are shorter than one window of {least} "
                "frames; use longer clips or fewer feature_frames"
            )
        frames = feature.extract(alter(samples, clip))
        if not np.isfinite(frames).all():
            text = f"{_name(clip)}: its feature is not finite; record it again"
            return LeftOut(text, "not_finite")
        if isinstance(feature, LogMel):
            measured = measured.with_bands(frames[:, : feature.n_mels])
        sound = b""
        if self._playable:
            sound = self._playable.encode(clip, native, part.decoded.sample_rate)
        return Used(frames, measured, sound)

    def add(self, clip: Clip, one: Outcome) -> None:
        """Add a computed clip, or note why it is left out."""
        self._outcomes.add(clip, one)
        if isinstance(one, LeftOut):
            self._writer.skip(clip, one.reason, one.kind)
            return
        self._writer.add(clip, one.frames, one.measured)
        if self._playable and one.sound:
            self._playable.add(clip, one.sound)

    def finish(self, *, warns: bool) -> None:
        """Check and, if wanted, warn about what became of the clips, and complete the store."""
        if self.clips:
            self._outcomes.check(len(self.clips))
        if warns:
            self._outcomes.warn()
        self._writer.finish(self.feature)


def _name(clip: Clip) -> str:
    return f"{clip.path} at {clip.start:.1f} s" if clip.start else clip.path


def _cut(samples: Samples, sample_rate: int, clip: Clip) -> Samples:
    start = round(clip.start * sample_rate)
    stop = round(clip.end * sample_rate) or samples.shape[-1]
    return samples[..., start:stop]
