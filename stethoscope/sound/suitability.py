"""Whether a recording can be used at all, and whether it is like those of the training.

Each finding has a reason that stays the same, for programs, and a sentence for people. A recording
is *refused* where a verdict on it would say nothing about the machine, and *warned about* where it
may be wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from stethoscope.errors import ModelError
from stethoscope.sound.measurement import NUMBERS, Measurement

MOST_USELESS = 0.5
"""Largest fraction of the training recordings that may be left out because they are useless."""

_LARGEST_PEAK = 1e15
_QUIETEST_DB = -90.0
_MOST_CLIPPED = 0.5
_MOST_GAPS = 0.5
_QUANTILES = (0.01, 0.99)

# How far beyond the training recordings a value is warned about, and refused.
_LEVEL_DB = 6.0
_FLOOR_DB = 10.0
_SHORTEST = 2 / 3
_LONGEST = 2.0
_CLIPPED = (0.01, 0.1)
_GAPS = (0.002, 0.02)
_OFFSET = (0.5, 8.0)
_BAND_DB = (6.0, 18.0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a recording.

    Attributes
    ----------
    reason : str
        For programs; it stays the same.
    message : str
        For people: what is wrong, and what to do.
    refuses : bool
        Whether there can be no verdict on the recording.
    """

    reason: str
    message: str
    refuses: bool = False

    def to_json(self) -> dict[str, str]:
        """Return the finding as the service answers it."""
        return {"Reason": self.reason, "Message": self.message}


def find_useless(measured: Measurement, *, padded: bool = False) -> Finding | None:
    """Return why nothing can be learned from a clip, whatever it was meant for; None if it can.

    Parameters
    ----------
    measured : Measurement
    padded : bool
        Whether clips may be extended by digital silence, as in many sets of labelled sounds.
    """
    if measured.peak == 0.0:
        return _refused("silent", "is digital silence; check the microphone and its connection")
    if measured.peak > _LARGEST_PEAK:
        return _refused(
            "too_large", "its samples are too large to compute with; scale them to -1..1"
        )
    if measured.gaps >= 1.0 and measured.level <= _QUIETEST_DB:
        return _refused(
            "constant", "holds one constant value; check the microphone and its connection"
        )
    if measured.clipped > _MOST_CLIPPED:
        return _refused(
            "clipped", f"{measured.clipped:.0%} of it are clipped; record it with less gain"
        )
    if measured.level < _QUIETEST_DB:
        return _refused(
            "nearly_empty",
            f"its level is {measured.level:.0f} dB, there is hardly any sound; "
            "check the microphone and its gain",
        )
    if not padded and measured.gaps > _MOST_GAPS:
        return _refused(
            "nearly_empty",
            f"{measured.gaps:.0%} of it hold no sound; check the microphone and its connection",
        )
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundProfile:
    """What the recordings of a training were like.

    Attributes
    ----------
    clips : int
    low, high : dict of str to float
        Quantiles of 1 and 99 % of each property of :class:`Measurement`.
    bands : tuple of float
        Quantile of 1 % of each group of bands; empty where there were none.
    sample_rates : tuple of int
        All sample rates, in Hz.
    """

    clips: int
    low: dict[str, float]
    high: dict[str, float]
    bands: tuple[float, ...] = ()
    sample_rates: tuple[int, ...] = ()

    @classmethod
    def of(cls, measured: Sequence[Measurement]) -> Self:
        """Summarise the measurements of all clips of a training, at least one."""
        numbers = np.array([one.to_row()[: len(NUMBERS)] for one in measured])
        low, high = np.quantile(numbers, _QUANTILES, axis=0)
        bands = np.array([one.bands for one in measured])
        return cls(
            clips=len(measured),
            low=dict(zip(NUMBERS, low.tolist(), strict=True)),
            high=dict(zip(NUMBERS, high.tolist(), strict=True)),
            bands=tuple(np.quantile(bands, _QUANTILES[0], axis=0).tolist()),
            sample_rates=tuple(sorted({round(one.sample_rate) for one in measured})),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the profile as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Build the profile from the value of :meth:`to_json`.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is none.
        """
        numbers = [*value["low"].values(), *value["high"].values(), *value["bands"]]
        if not np.isfinite(np.array(numbers, dtype=np.float64)).all():
            raise ValueError("a value is not finite")
        return cls(
            clips=int(value["clips"]),
            low={name: float(value["low"][name]) for name in NUMBERS},
            high={name: float(value["high"][name]) for name in NUMBERS},
            bands=tuple(float(one) for one in value["bands"]),
            sample_rates=tuple(int(one) for one in value["sample_rates"]),
        )

    def compare(self, measured: Measurement) -> list[Finding]:
        """Return how a clip is unlike those of the training; those that refuse it first."""
        found = [*self._damage(measured), *self._bands(measured), *self._kind(measured)]
        return sorted(found, key=lambda finding: not finding.refuses)

    def _damage(self, measured: Measurement) -> Iterator[Finding]:
        """Yield what a fault of the recording does, which the training recordings did not have."""
        if measured.missing_seconds > 0.0:
            yield Finding(
                "cut_off",
                f"by its header it is {measured.missing_seconds:.1f} s longer; its end is missing, "
                "copy it again",
            )
        for reason, value, highest, (most, far), message in (
            (
                "clipped",
                measured.clipped,
                self.high["clipped"],
                _CLIPPED,
                f"{measured.clipped:.1%} of its samples are clipped; record it with less gain",
            ),
            (
                "dropouts",
                measured.gaps,
                self.high["gaps"],
                _GAPS,
                f"{measured.gaps:.1%} of it hold no sound at all, samples were lost; "
                "check the connection of the microphone",
            ),
            (
                "offset",
                measured.offset,
                self.high["offset"],
                _OFFSET,
                f"its constant part is {measured.offset:.1f} times its sound; "
                "check the microphone's supply, or remove the constant part",
            ),
        ):
            if value > highest + most:
                yield Finding(reason, message, refuses=value > highest + far)

    def _bands(self, measured: Measurement) -> Iterator[Finding]:
        """Yield that bands are missing, as a lossy coding or a lower sample rate cuts them off."""
        if not self.bands or len(self.bands) != len(measured.bands):
            return
        lacking = np.subtract(self.bands, measured.bands)
        worst = float(lacking.max())
        if worst > _BAND_DB[0]:
            count = int((lacking > _BAND_DB[0]).sum())
            which = f"band {int(lacking.argmax()) + 1}" if count == 1 else f"{count} bands"
            yield Finding(
                "missing_band",
                f"{which} of {len(lacking)} are up to {worst:.0f} dB weaker than in the training "
                "recordings; record in WAV or FLAC, at the sample rate of the training",
                refuses=worst > _BAND_DB[1],
            )

    def _kind(self, measured: Measurement) -> Iterator[Finding]:
        """Yield how a sound recording differs from those of the training."""
        rates = ", ".join(f"{rate:,}" for rate in self.sample_rates)
        if self.sample_rates and round(measured.sample_rate) not in self.sample_rates:
            yield Finding(
                "other_rate",
                f"it was recorded at {measured.sample_rate:,.0f} Hz, the training recordings at "
                f"{rates} Hz; the highest bands can differ, record at the same rate",
            )
        if measured.lossy and not self.high["lossy"]:
            yield Finding(
                "lossy",
                "it was coded with loss, the training recordings were not; record in WAV or FLAC",
            )
        if not measured.lossy and self.low["lossy"]:
            yield Finding(
                "not_lossy",
                "the training recordings were coded with loss, it was not; record in the same way",
            )
        yield from self._range(measured)

    def _range(self, measured: Measurement) -> Iterator[Finding]:
        low, high = self.low, self.high
        span = f"{low['seconds']:.1f} to {high['seconds']:.1f} s"
        if measured.seconds < _SHORTEST * low["seconds"]:
            yield Finding(
                "short",
                f"it lasts {measured.seconds:.1f} s, the training recordings {span}; "
                "faults are missed more often, record longer",
            )
        if measured.seconds > _LONGEST * high["seconds"]:
            yield Finding(
                "long",
                f"it lasts {measured.seconds:.1f} s, the training recordings {span}; "
                "a short event counts for less, cut it into clips",
            )
        if not low["level"] - _LEVEL_DB <= measured.level <= high["level"] + _LEVEL_DB:
            yield Finding(
                "quiet" if measured.level < low["level"] else "loud",
                f"its level is {measured.level:.0f} dB, that of the training recordings "
                f"{low['level']:.0f} to {high['level']:.0f} dB; "
                "check the microphone's place and gain",
            )
        if not low["floor"] - _FLOOR_DB <= measured.floor <= high["floor"] + _FLOOR_DB:
            yield Finding(
                "other_floor",
                f"its quietest moments lie {-measured.floor:.0f} dB below its level, those of the "
                f"training recordings {-high['floor']:.0f} to {-low['floor']:.0f} dB; switch off "
                "noise suppression and automatic gain",
            )


def profiles_of(measured: Mapping[str, Sequence[Measurement]]) -> dict[str, Any]:
    """Return the profiles of training recordings by machine type, as JSON values."""
    return {
        machine_type: SoundProfile.of(group).to_json() for machine_type, group in measured.items()
    }


def profiles_from_json(value: Any, place: str) -> dict[str, SoundProfile]:
    """Build profiles from the value of :func:`profiles_of`.

    Raises
    ------
    ModelError
        If it is none; the message names `place`.
    """
    try:
        return {name: SoundProfile.from_json(one) for name, one in value.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{place}: its description of the training recordings is damaged; export it again"
        ) from error


def _refused(reason: str, message: str) -> Finding:
    return Finding(reason, message, refuses=True)
