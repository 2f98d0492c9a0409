"""Recording sessions of simulated machines: what differs from one session to another.

The clips of a session share the machine's speed and load and the place's background. Another
session has others.
"""

from dataclasses import dataclass

import numpy as np

from stethoscope.datasets.simulator.machine import Machine, change_constants

_SPEED = 0.015  # standard deviation of the speed between sessions, relative to the speed
# What a load one standard deviation above the usual one does to the constants: frequencies and
# times (`_hz`, `_s`) change by this fraction, levels by this amount in dB.
_LOAD = {
    "shaft_hz": -0.005,
    "period_s": 0.02,
    "move_s": 0.01,
    "flow_db": 1.5,
    "blade_db": 1.5,
    "once_db": 1.0,
    "twice_db": 1.0,
    "bearing_db": 1.5,
    "knock_db": 1.5,
    "hum_db": 1.5,
}


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """How a machine runs in one recording session.

    Attributes
    ----------
    speed : float
        Relative to the machine's usual speed.
    load : float
        In standard deviations above the machine's usual load.
    """

    speed: float
    load: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "OperatingPoint":
        """Draw the operating point of a session."""
        speed, load = rng.standard_normal(2)
        return cls(1.0 + _SPEED * float(speed), float(load))

    def apply(self, machine: Machine) -> Machine:
        """Return the constants of a machine that runs at this point."""

        def changed(name: str, value: float) -> float:
            effect = self.load * _LOAD.get(name, 0.0)
            if name.endswith("_db"):
                return value + effect
            if name == "shaft_hz":
                return value * self.speed * (1.0 + effect)
            if name in ("period_s", "move_s"):
                return value / self.speed * (1.0 + effect)
            return value

        return change_constants(machine, changed)
