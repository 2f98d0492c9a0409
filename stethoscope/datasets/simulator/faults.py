"""Faults of simulated machines: what each one changes."""

from collections.abc import Mapping

from stethoscope.datasets.simulator.machine import Machine, change_constants, is_relative

FAULTS = ("imbalance", "clogging", "voltage change")
"""Names of the faults, as written in ``faults.csv``."""

# What a fault of severity 1 does to the constants: frequencies and times (``_hz``, ``_s``) change
# by this fraction, all others by this amount. A milder fault has a proportional effect.
_EFFECTS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "fan": {
        # The unbalanced weight shakes the shaft once per turn and loads the bearing.
        "imbalance": {"once_db": 12.0, "twice_db": 10.0, "modulation": 0.4, "bearing_db": 10.0},
        # Less air moves: the fan runs faster, its noise is duller and rougher, the flow separates.
        "clogging": {
            "shaft_hz": 0.03,
            "blade_db": -6.0,
            "flow_db": 2.0,
            "flow_hz": -0.38,
            "flow_slope": 0.8,
        },
        # The fan is slower and its air quieter; saturated iron hums, the torque ripples.
        "voltage change": {"shaft_hz": -0.06, "ripple": 0.01, "hum_db": 8.0, "flow_db": -4.0},
    },
    "pump": {
        "imbalance": {"once_db": 12.0, "twice_db": 10.0, "modulation": 0.4, "bearing_db": 8.0},
        # The pump cavitates: collapsing bubbles crackle and hiss.
        "clogging": {
            "blade_db": -6.0,
            "flow_db": 1.0,
            "flow_hz": 0.35,
            "flow_slope": -1.0,
            "crackle_hz": 1.0,
            "crackle_db": 12.0,
        },
        "voltage change": {"shaft_hz": -0.05, "ripple": 0.008, "hum_db": 5.0, "flow_db": -2.0},
    },
    "slider": {
        # The load is off the axis of the screw: the carriage wobbles and stops hard.
        "imbalance": {
            "once_db": 12.0,
            "twice_db": 10.0,
            "modulation": 0.4,
            "bearing_db": 11.5,
            "knock_db": 4.0,
        },
        # Grit on the rail: friction is brighter, sticks and slips, and slows the drive.
        "clogging": {
            "shaft_hz": -0.04,
            "flow_db": 2.6,
            "flow_hz": 0.5,
            "flow_slope": -0.8,
            "crackle_db": 12.0,
        },
        "voltage change": {
            "shaft_hz": -0.09,
            "ripple": 0.01,
            "move_s": 0.06,
            "hum_db": 8.5,
            "flow_db": -1.7,
        },
    },
    "valve": {
        # The plunger scrapes, hits off its centre and rebounds.
        "imbalance": {"knock_db": 5.5, "bounce": 0.4, "crackle_db": 18.0},
        # A narrower opening hisses louder and higher.
        "clogging": {"flow_db": 2.2, "flow_hz": 0.62, "flow_slope": -1.5},
        # A weak coil hums, moves the plunger late, and lets it land softly.
        "voltage change": {"hum_db": 10.0, "ramp_s": 1.0, "knock_db": -5.0},
    },
}


def with_fault(constants: Machine, machine: str, fault: str, severity: float) -> Machine:
    """Return the constants of a machine that has a fault.

    Parameters
    ----------
    constants : Machine
    machine : str
        Its type.
    fault : str
        One of :data:`FAULTS`.
    severity : float
        From 0 (no effect) to 1.
    """
    effects = _EFFECTS[machine][fault]

    def worsened(name: str, value: float) -> float:
        effect = severity * effects.get(name, 0.0)
        return value * (1.0 + effect) if is_relative(name) else value + effect

    return change_constants(constants, worsened)
