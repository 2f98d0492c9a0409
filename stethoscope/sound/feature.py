"""All kinds of features, and how recordings are loaded for them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard, TypeVar

import numpy as np

from stethoscope.errors import ModelError
from stethoscope.files import read_json
from stethoscope.options import OptionError
from stethoscope.sound.audio import MAX_SECONDS, Decoded, decode
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.definition import FeatureDefinition
from stethoscope.sound.framing import Framing
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes
from stethoscope.sound.resampling import Resampling, Samples, resample
from stethoscope.sound.sampled import SampledLogMel

FeatureT = TypeVar("FeatureT", bound=FeatureDefinition)

Feature = LogMel | SampledLogMel | BandSpectrum | Mfcc | Planes

_KINDS: dict[str, type[Feature]] = {
    one.kind: one for one in (LogMel, SampledLogMel, BandSpectrum, Mfcc, Planes)
}


def feature_from_json(value: Mapping[str, Any]) -> Feature:
    """Build the definition of a feature from the value of its ``to_json``.

    Raises
    ------
    ModelError
        If this version does not know the kind.
    """
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ModelError(
            f"feature kind {kind!r} is not known; this version knows {', '.join(_KINDS)};"
            " install the version that wrote it"
        )
    return _KINDS[kind].from_json(dict(value))


def read_feature(path: Path) -> Feature:
    """Read the definition of a feature from the file ``feature.json`` of a model.

    Raises
    ------
    ModelError
        If the file is missing or damaged, or holds no feature, or one without a sample rate.
    """
    try:
        feature = feature_from_json(read_json(path))
    except OptionError as error:
        raise ModelError(f"{path}: {error}; export the model again") from error
    if not feature.sample_rate:
        raise ModelError(f"{path}: sample_rate is 0, not that of a model; export the model again")
    return feature


def read_feature_of(path: Path, kind: type[FeatureT]) -> FeatureT:
    """Read the definition of a feature of one kind; the errors are those of `read_feature`."""
    feature = read_feature(path)
    if not isinstance(feature, kind):
        raise ModelError(
            f"{path}: holds the feature {feature.kind}, the model needs {kind.kind}; "
            "export the model again"
        )
    return feature


@dataclass(frozen=True)
class Reading:
    """What a feature reads of a recording.

    Attributes
    ----------
    channel, far_channel, channels : int
        The first channel, that of the far microphone or -1, and the number of channels from the
        first on.
    sample_rate : int
        In Hz.
    resampling : {"full_band", "soxr"}
    """

    channel: int
    far_channel: int
    channels: int
    sample_rate: int
    resampling: Resampling


def what_is_read(feature: Feature) -> Reading:
    """Return what a feature reads of a recording: features with the same get the same samples."""
    return Reading(
        channel=feature.channel,
        far_channel=feature.far_channel if _has_far_channel(feature) else -1,
        channels=feature.channels if isinstance(feature, Planes) else 1,
        sample_rate=feature.sample_rate,
        resampling=_framing(feature).resampling,
    )


def load_for_feature(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    feature: Feature,
    *,
    name: str = "",
    max_seconds: float = MAX_SECONDS,
) -> Samples:
    """Load the channels of a recording that a feature needs, at its rate.

    Parameters and errors are those of :func:`stethoscope.sound.audio.load`.

    Returns
    -------
    np.ndarray [shape=(n_samples,) or, for several channels, (channels, n_samples), dtype=float32]
        The far channel of a log-mel spectrogram comes after the near one.
    """
    decoded = decode(source, name=name, max_seconds=max_seconds)
    return at_feature_rate(
        channels_for_feature(decoded, feature, name=name), decoded.sample_rate, feature
    )


def channels_for_feature(decoded: Decoded, feature: Feature, *, name: str = "") -> Samples:
    """Return the channels of a recording that a feature needs, not resampled.

    Returns
    -------
    np.ndarray [shape=(channels, n_samples), dtype=float32]

    Raises
    ------
    AudioError
        If a channel does not exist.
    """
    if _has_far_channel(feature):
        wanted = (feature.channel, feature.far_channel)
        # One by one: a mono recording must not stand for both microphones.
        return np.concatenate([decoded.channels((one,), name=name) for one in wanted])
    count = feature.channels if isinstance(feature, Planes) else 1
    return decoded.channels(range(feature.channel, feature.channel + count), name=name)


def at_feature_rate(channels: Samples, sample_rate: int, feature: Feature) -> Samples:
    """Resample channels for a feature.

    Parameters
    ----------
    channels : np.ndarray [shape=(channels, n_samples), dtype=float32]
    sample_rate : int
        Of the channels, in Hz.
    feature : Feature
        With sample rate 0 nothing is resampled.

    Returns
    -------
    np.ndarray [shape=(n_samples,) or, for several channels, (channels, n_samples), dtype=float32]
    """
    if feature.sample_rate not in (0, sample_rate):
        method = _framing(feature).resampling
        channels = np.stack(
            [resample(one, sample_rate, feature.sample_rate, method=method) for one in channels]
        )
    several = isinstance(feature, Planes) or _has_far_channel(feature)
    return channels if several else channels[0]


def _framing(feature: Feature) -> Framing:
    return feature.of if isinstance(feature, Planes) else feature


def _has_far_channel(feature: Feature) -> TypeGuard[LogMel]:
    return isinstance(feature, LogMel) and feature.far_channel >= 0
