"""The physical constants of simulated machines.

A machine is a set of physical constants. A specimen of a machine type (a machine id), the operating
point of a recording and a fault each change these constants; the same equations then compute the
sound from them. ``docs/simulator.md`` explains the model and its limits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Resonance:
    """A mode of the housing: frequency in Hz, quality factor, gain in dB."""

    hz: float
    quality: float
    gain_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotor:
    """The rotating parts: shaft, blades (or vanes, or gear teeth) and bearing.

    Attributes
    ----------
    shaft_hz : float
        Revolutions per second at full speed.
    drift : float
        Standard deviation of the slow variation of the speed, relative to the speed.
    once_db, twice_db : float
        Vibration at once and twice the shaft frequency; each higher order is 6 dB weaker than the
        one before.
    blades : int
        Blades that pass per revolution.
    blade_db : float
        Blade-pass tone; each harmonic is 6 dB weaker than the one before.
    modulation : float
        Depth of the once-per-turn modulation of blade tones (amplitude and phase), flow and bearing
        impacts.
    bearing_order : float
        Impacts of the bearing per revolution.
    bearing_db : float
        Response of the housing to these impacts.
    ripple : float
        Relative swing of the speed under the torque ripple of a badly fed motor.
    """

    shaft_hz: float
    drift: float
    once_db: float
    twice_db: float
    blades: int
    blade_db: float
    modulation: float
    bearing_order: float
    bearing_db: float
    ripple: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """Strokes of a cyclic machine.

    Attributes
    ----------
    period_s, move_s, ramp_s : float
        Time from the start of one stroke to the next, duration of a stroke, and of its acceleration
        and braking, in seconds.
    jitter : float
        Standard deviation of the period, relative to the period.
    knock_db : float
        Energy of the knock at each end of a stroke, as a level over one second.
    bounce : float
        Coefficient of restitution: each rebound is weaker and shorter by this factor.
    """

    period_s: float
    move_s: float
    ramp_s: float
    jitter: float
    knock_db: float
    bounce: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The physical constants of a machine.

    Levels are root mean squares in dB on a common, arbitrary scale: only their differences matter,
    since the recording's level is set at the end.

    Attributes
    ----------
    flow_db : float
        Broadband noise of flow or friction.
    flow_hz : float
        Frequency at which this noise is strongest, in Hz.
    flow_slope : float
        Decrease above this frequency, in dB per octave; below it, the noise decreases by 3.
    leak : float
        Fraction of the amplitude of flow and hum that remains while the machine rests.
    hum_db : float
        Magnetic hum at twice the mains frequency; each multiple is 3 dB weaker than the one before.
    crackle_hz : float
        Mean rate of random impacts while the machine moves: cavitation, grit, stick-slip.
    crackle_db : float
        Response of the housing to them.
    resonances : tuple of Resonance
        Modes of the housing, which impacts excite.
    rotor : Rotor or None
    cycle : Cycle or None
        None for a machine that runs continuously.
    """

    flow_db: float
    flow_hz: float
    flow_slope: float
    leak: float = 0.0
    hum_db: float
    crackle_hz: float
    crackle_db: float
    resonances: tuple[Resonance, ...]
    rotor: Rotor | None = None
    cycle: Cycle | None = None


MACHINES: Mapping[str, Machine] = {
    "fan": Machine(
        flow_db=0.0,
        flow_hz=500.0,
        flow_slope=5.0,
        hum_db=-10.0,
        crackle_hz=20.0,
        crackle_db=-40.0,
        resonances=(
            Resonance(hz=620.0, quality=8.0, gain_db=0.0),
            Resonance(hz=1750.0, quality=10.0, gain_db=0.0),
            Resonance(hz=3900.0, quality=12.0, gain_db=-2.0),
        ),
        rotor=Rotor(
            shaft_hz=24.0,
            drift=0.004,
            once_db=-12.0,
            twice_db=-16.0,
            blades=7,
            blade_db=-3.0,
            modulation=0.1,
            bearing_order=3.6,
            bearing_db=-14.0,
        ),
    ),
    "pump": Machine(
        flow_db=-2.0,
        flow_hz=1400.0,
        flow_slope=6.0,
        hum_db=-8.0,
        crackle_hz=150.0,
        crackle_db=-25.0,
        resonances=(
            Resonance(hz=900.0, quality=8.0, gain_db=0.0),
            Resonance(hz=2400.0, quality=10.0, gain_db=-1.0),
            Resonance(hz=5200.0, quality=12.0, gain_db=-3.0),
        ),
        rotor=Rotor(
            shaft_hz=48.0,
            drift=0.003,
            once_db=-10.0,
            twice_db=-12.0,
            blades=6,
            blade_db=-3.0,
            modulation=0.1,
            bearing_order=4.4,
            bearing_db=-14.0,
        ),
    ),
    "slider": Machine(
        flow_db=0.0,
        flow_hz=1800.0,
        flow_slope=5.0,
        leak=0.25,
        hum_db=-12.0,
        crackle_hz=60.0,
        crackle_db=-30.0,
        resonances=(
            Resonance(hz=480.0, quality=8.0, gain_db=0.0),
            Resonance(hz=1400.0, quality=10.0, gain_db=0.0),
            Resonance(hz=3300.0, quality=12.0, gain_db=-2.0),
        ),
        rotor=Rotor(
            shaft_hz=32.0,
            drift=0.004,
            once_db=-12.0,
            twice_db=-14.0,
            blades=19,
            blade_db=-4.0,
            modulation=0.1,
            bearing_order=5.2,
            bearing_db=-14.0,
        ),
        cycle=Cycle(
            period_s=1.25, move_s=1.05, ramp_s=0.12, jitter=0.02, knock_db=-14.0, bounce=0.2
        ),
    ),
    "valve": Machine(
        flow_db=0.0,
        flow_hz=1600.0,
        flow_slope=8.0,
        leak=0.2,
        hum_db=-10.0,
        crackle_hz=40.0,
        crackle_db=-30.0,
        resonances=(
            Resonance(hz=1100.0, quality=8.0, gain_db=0.0),
            Resonance(hz=2900.0, quality=12.0, gain_db=0.0),
            Resonance(hz=5600.0, quality=15.0, gain_db=-2.0),
        ),
        cycle=Cycle(period_s=0.7, move_s=0.4, ramp_s=0.03, jitter=0.1, knock_db=-10.0, bounce=0.2),
    ),
}
"""The machine types: the constants of a typical specimen of each."""


Part = TypeVar("Part", Machine, Rotor, Cycle)


def vary(
    machine: Machine, rng: np.random.Generator, *, deviation: float, decibels: float
) -> Machine:
    """Vary the constants of a machine at random.

    Parameters
    ----------
    machine : Machine
    rng : np.random.Generator
    deviation : float
        Standard deviation of frequencies and times, relative to their values.
    decibels : float
        Standard deviation of levels, in dB.
    """

    def varied(name: str, value: float) -> float:
        if is_relative(name):
            return value * (1.0 + deviation * rng.standard_normal())
        return value + decibels * rng.standard_normal() if name.endswith("_db") else value

    return change_constants(machine, varied)


def is_relative(name: str) -> bool:
    """Return whether a constant is a frequency or time, which changes by a factor."""
    return name.endswith(("_hz", "_s"))


def change_constants(part: Part, change: Callable[[str, float], float]) -> Part:
    """Apply `change(name, value)` to each number of a machine, of its rotor and its cycle."""
    new: dict[str, Any] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Rotor | Cycle):
            new[field.name] = change_constants(value, change)  # type: ignore[type-var]
        elif isinstance(value, float):
            new[field.name] = change(field.name, value)
    return replace(part, **new)
