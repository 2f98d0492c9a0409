"""The kinds of features there are."""

from collections.abc import Mapping
from typing import Any

from stethoscope.errors import ModelError
from stethoscope.features.bands import BandSpectrum
from stethoscope.features.logmel import LogMel
from stethoscope.features.mfcc import Mfcc

Feature = LogMel | BandSpectrum | Mfcc
"""The definition of a feature: what travels with everything that was computed by it."""

_KINDS: dict[str, type[LogMel] | type[BandSpectrum] | type[Mfcc]] = {"logmel": LogMel, "bands": BandSpectrum, "mfcc": Mfcc}


def feature_from_json(value: Mapping[str, Any]) -> Feature:
    """Build a feature's definition from its ``to_json``.

    Raises
    ------
    ModelError
        If this version does not know the kind.
    """
    kind = value.get("kind")
    if kind not in _KINDS:
        raise ModelError(f"feature kind {kind!r} is not known; this version knows {', '.join(_KINDS)}; install the version that wrote it")
    return _KINDS[kind].from_json(dict(value))
