"""One simulated recording: a machine and its background."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from stethoscope.datasets.clips import Split
from stethoscope.datasets.simulator.background import background_sources
from stethoscope.datasets.simulator.far import far_background, far_machine
from stethoscope.datasets.simulator.faults import FAULTS, with_fault
from stethoscope.datasets.simulator.machine import MACHINES, Machine, vary
from stethoscope.datasets.simulator.session import OperatingPoint
from stethoscope.datasets.simulator.signals import RATE, Signal, amplitude, rms
from stethoscope.datasets.simulator.sound import machine_sound
from stethoscope.errors import ParameterError

MOST_CLIPS = 10_000_000
"""What the digits of the file names can count."""

_LEVEL_DB = -30.0  # of a recording, relative to full scale
_LEVEL_JITTER_DB = 3.0
_PURPOSES = ("specimen", "severity", "machine", "background", "reference", "session", "far")

Content = Literal["both", "noise", "machine"]
"""What a clip holds: the machine and its background, the background alone, or the machine alone."""


def simulate_clip(
    *,
    machine: str,
    machine_id: int = 0,
    split: Split = "train",
    fault: str | None = None,
    severity: float = 1.0,
    index: int = 0,
    session: int | None = None,
    seed: int = 0,
    snr_db: float = 0.0,
    seconds: float = 10.0,
    content: Content = "both",
    channels: int = 1,
) -> Signal:
    """Return one simulated recording.

    Parameters
    ----------
    machine : {"fan", "pump", "slider", "valve"}
    machine_id : int
        Which specimen of this type.
    split : {"train", "test"}
    fault : {"imbalance", "clogging", "voltage change"} or None
        None for a healthy machine.
    severity : float
        Severity of the fault, from 0 (no effect) to 1.
    index : int
        Which recording of this machine, split and condition.
    session : int or None
        Which recording session of this machine and split: its clips share speed, load and
        background. None for the usual operating point, and a background of the clip's own.
    seed : int
    snr_db : float
        Mean power of the healthy machine over that of the background, in dB.
    seconds : float
    content : {"both", "noise", "machine"}
        The machine and its background, the background alone, or the machine alone.
    channels : {1, 2}
        2 adds a microphone that stands farther from the machine and receives more background.

    Returns
    -------
    y : np.ndarray [shape=(n,) or (2, n), dtype=float32]
        The recording at 16 kHz, within -1 and 1.

    Raises
    ------
    ParameterError
        If a parameter has a value that cannot work.

    Examples
    --------
    >>> simulate_clip(machine="fan", fault="imbalance", seconds=2.0).shape
    (32000,)
    """
    check_scene(machine, seed, snr_db, seconds)
    check_number("machine_id", machine_id, 0, MOST_CLIPS)
    check_number("index", index, 0, MOST_CLIPS)
    check_number("session", session or 0, 0, MOST_CLIPS)
    check_number("severity", severity, 0.0, 1.0)
    check_number("channels", channels, 1, 2)
    _check_choice("split", split, get_args(Split))
    _check_choice("content", content, get_args(Content))
    if fault is not None:
        _check_choice("fault", fault, FAULTS)
    n = round(seconds * RATE)
    part = int(split == "test") if content == "both" else 2 + int(content == "machine")
    key = (machine_id, part, int(fault is not None), index)
    rng = random_generator(seed, "machine", machine, *key)
    background_rng = random_generator(seed, "background", machine, *key)
    specimen, place = _specimen(machine, machine_id, seed), None
    if session is not None:
        place = random_generator(
            seed, "session", machine, machine_id, int(split == "test"), session
        )
        specimen = OperatingPoint.draw(place).apply(specimen)
    constants = vary(specimen, rng, deviation=0.01, decibels=1.0)
    if fault is not None:
        constants = with_fault(constants, machine, fault, severity)
    sound = machine_sound(constants, n, rng) if content != "noise" else np.zeros(n, np.float32)
    sources = background_sources(n, background_rng, place)
    background = sources.mixed()
    gain = _healthy_rms(machine, machine_id, seed) / rms(background) * amplitude(-snr_db)
    gain *= content != "machine"
    background *= gain
    background += sound
    level_db = _LEVEL_DB + background_rng.uniform(-_LEVEL_JITTER_DB, _LEVEL_JITTER_DB)
    if channels == 1:
        return _at_level(background, level_db)
    far = far_machine(sound, random_generator(seed, "far", machine, machine_id))
    far += np.float32(gain) * far_background(sources, random_generator(seed, "far", machine, *key))
    return _at_level(np.stack([background, far]), level_db)


def _at_level(sound: Signal, level_db: float) -> Signal:
    """Set the level of a recording, or of its first channel, relative to full scale, in place."""
    first = sound if sound.ndim == 1 else sound[0]
    sound *= min(amplitude(level_db) / rms(first), 0.99 / float(np.max(np.abs(sound))))
    return sound


def _check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise ParameterError(f"{name} is {value!r}; choose one of {', '.join(choices)}")


def check_scene(machine: str, seed: int, snr_db: float, seconds: float) -> None:
    """Refuse parameters of a recording that cannot work.

    Raises
    ------
    ParameterError
        If one of them cannot work.
    """
    if machine not in MACHINES:
        raise ParameterError(f"machine is {machine!r}; choose one of {', '.join(MACHINES)}")
    check_seed(seed)
    check_number("snr_db", snr_db, -60.0, 60.0)
    check_number("seconds", seconds, 0.5, 600.0)


def check_seed(seed: int) -> None:
    """Refuse a seed that no generator takes.

    Raises
    ------
    ParameterError
        If it is negative.
    """
    if seed < 0:
        raise ParameterError(f"seed is {seed}; give a number that is not negative")


def check_number(name: str, value: float, least: float, most: float) -> None:
    """Refuse a number outside its range.

    Raises
    ------
    ParameterError
        If it lies outside.
    """
    if not least <= value <= most:
        raise ParameterError(f"{name} is {value}; give a number from {least} to {most}")


def random_generator(seed: int, purpose: str, machine: str, *key: int) -> np.random.Generator:
    """Return the random generator of one purpose for one machine or clip.

    No random number of a clip depends on another clip.
    """
    return np.random.default_rng(
        np.random.SeedSequence(
            seed, spawn_key=(_PURPOSES.index(purpose), list(MACHINES).index(machine), *key)
        )
    )


@lru_cache(maxsize=64)
def _specimen(machine: str, machine_id: int, seed: int) -> Machine:
    """Return the constants of one machine of a type.

    Speed, blades, levels and resonances differ from specimen to specimen.
    """
    rng = random_generator(seed, "specimen", machine, machine_id)
    specimen = vary(MACHINES[machine], rng, deviation=0.08, decibels=1.0)
    if specimen.rotor is not None:
        blades = specimen.rotor.blades + int(rng.integers(-1, 2))
        specimen = replace(specimen, rotor=replace(specimen.rotor, blades=blades))
    return replace(
        specimen,
        resonances=tuple(
            replace(mode, hz=mode.hz * (1.0 + 0.05 * rng.standard_normal()))
            for mode in specimen.resonances
        ),
    )


@lru_cache(maxsize=64)
def _healthy_rms(machine: str, machine_id: int, seed: int) -> float:
    """Return the level that the signal-to-noise ratio refers to.

    A fault that makes a machine louder raises the actual ratio, as in reality.
    """
    return rms(
        machine_sound(
            _specimen(machine, machine_id, seed),
            10 * RATE,
            random_generator(seed, "reference", machine, machine_id),
        )
    )
