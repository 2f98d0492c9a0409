"""A physical model of rotating and cyclic machines, healthy and faulty, in a noisy factory.

A machine is a handful of physical constants. One specimen of its type (a machine id), one
recording's operating point and one fault are each a change of these constants; the same equations
then turn the constants into sound. ``docs/simulator.md`` explains the model and what it may be used
for.
"""

import io
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import lru_cache, partial
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import numpy.typing as npt
import soundfile

from stethoscope.datasets.clips import Condition, Split
from stethoscope.errors import ParameterError
from stethoscope.files import atomic_file, csv_text
from stethoscope.progress import track

Layout = Literal["dcase2020", "mimii"]
Signal = npt.NDArray[np.float32]
Numbers = npt.NDArray[Any]
Part = TypeVar("Part", "Machine", "Rotor", "Cycle")

RATE = 16_000
"""Sampling rate of everything simulated, in Hz."""
FAULTS = ("imbalance", "clogging", "voltage change")
"""Names of the faults, as they stand in ``faults.csv``."""

_MAINS_HZ = 50.0
_FIRST_FLIGHT_S = 0.03  # from a knock to its first rebound
_LEVEL_DB = -30.0  # of a recording, relative to full scale
_LEVEL_JITTER_DB = 3.0
_MILDEST = 0.5  # severity of the mildest fault; the worst is 1
_MOST_IDS, _MOST_CLIPS = 50, 10_000_000  # what the digits of the layouts' names can count
_BLOCK = 64  # clips simulated before they are written
_PURPOSES = ("specimen", "severity", "machine", "background", "reference")
_TURN = 1 << 16  # samples of one turn's waveform: an unsigned 16-bit index wraps by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Resonance:
    """A mode of the housing: frequency in Hz, quality factor, gain in dB."""

    hz: float
    quality: float
    gain_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotor:
    """What turns: shaft, blades (or vanes, or gear teeth) and bearing.

    Attributes
    ----------
    shaft_hz : float
        Revolutions per second at full speed.
    drift : float
        Standard deviation of the slow wander of the speed, relative to it.
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
        From one stroke's begin to the next, a stroke's duration, and its acceleration and braking,
        in seconds.
    jitter : float
        Standard deviation of the period, relative to it.
    knock_db : float
        Energy of the knock at either end of a stroke, as a level over one second.
    bounce : float
        Coefficient of restitution: every rebound is weaker and shorter by this factor.
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
        Where that noise is strongest, in Hz.
    flow_slope : float
        Its fall above that frequency, in dB per octave; below, it falls by 3.
    leak : float
        Share of the amplitude of flow and hum that remains at rest.
    hum_db : float
        Magnetic hum at twice the mains frequency; each multiple is 3 dB weaker than the one before.
    crackle_hz : float
        Mean rate of random impacts while the machine moves: cavitation, grit, stick-slip.
    crackle_db : float
        Response of the housing to them.
    resonances : tuple of Resonance
        What the housing makes of impacts.
    rotor : Rotor or None
    cycle : Cycle or None
        None for a machine that runs all the time.
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

# What a fault of severity 1 does to the constants: frequencies and times (``_hz``, ``_s``) change
# by this share, all others by this amount. A milder fault does proportionally less.
_EFFECTS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "fan": {
        # The rotor's weight swings once per turn and loads the bearing.
        "imbalance": {"once_db": 12.0, "twice_db": 10.0, "modulation": 0.4, "bearing_db": 10.0},
        # Less air to push: faster, duller, rougher, and the blades pass through separated flow.
        "clogging": {
            "shaft_hz": 0.03,
            "blade_db": -6.0,
            "flow_db": 2.0,
            "flow_hz": -0.38,
            "flow_slope": 0.8,
        },
        # Slower, so quieter air; saturated iron hums and the torque ripples.
        "voltage change": {"shaft_hz": -0.06, "ripple": 0.01, "hum_db": 8.0, "flow_db": -4.0},
    },
    "pump": {
        "imbalance": {"once_db": 12.0, "twice_db": 10.0, "modulation": 0.4, "bearing_db": 8.0},
        # A starved inlet cavitates: bubbles collapse with a crackle and a bright hiss.
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
        # The load sits off the screw's axis: the carriage wobbles and lands hard.
        "imbalance": {
            "once_db": 12.0,
            "twice_db": 10.0,
            "modulation": 0.4,
            "bearing_db": 11.5,
            "knock_db": 4.0,
        },
        # Grit on the rail: friction brightens, sticks and slips, and slows the drive.
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
        # A weak coil hums, moves the plunger late and lets it land softly.
        "voltage change": {"hum_db": 10.0, "ramp_s": 1.0, "knock_db": -5.0},
    },
}


def simulate_archive(
    path: str | os.PathLike[str],
    *,
    machine: str,
    seed: int = 0,
    snr_db: float = 0.0,
    layout: Layout = "dcase2020",
    ids: int = 3,
    train_clips: int = 30,
    test_normal: int | None = None,
    test_anomaly: int = 30,
    seconds: float = 10.0,
) -> None:
    """Write an archive of simulated recordings of one machine type, 16 kHz PCM16 mono, in a stored
    (uncompressed) zip.

    Every clip depends on its own key alone, so that a larger set of the same seed contains the
    smaller one, and equal parameters give equal bytes. A clip sounds the same at every SNR and in
    both layouts, apart from the mixture. ``<machine>/faults.csv`` (path, fault, severity) tells the
    true fault of each anomalous clip; the faults take turns.

    Parameters
    ----------
    path : str or os.PathLike
        The zip to write; what stood there is replaced when all is written.
    machine : {"fan", "pump", "slider", "valve"}
    seed : int
        Not negative; another seed gives other machines of the same type.
    snr_db : float
        Mean power of the healthy machine over that of each clip's background, in dB.
    layout : {"dcase2020", "mimii"}
        File names: ``fan/train/normal_id_00_00000000.wav`` or ``fan/id_00/normal/00000000.wav``.
    ids : int
        Number of machines; they are called 00, 02, 04 and so on.
    train_clips, test_anomaly : int
        Clips per id.
    test_normal : int or None
        Normal test clips per id; None means as many as anomalous ones. The MIMII layout knows no
        other number, since the field's split of it tests on all anomalous and equally many normal
        clips.
    seconds : float
        Length of a clip, in seconds.

    Raises
    ------
    ParameterError
        If a parameter has a value that cannot work.
    """
    if layout not in get_args(Layout):
        raise ParameterError(f"layout is {layout!r}; choose one of {', '.join(get_args(Layout))}")
    if test_normal is None:
        test_normal = test_anomaly
    if layout == "mimii" and test_normal != test_anomaly:
        raise ParameterError(
            f"test_normal is {test_normal} but test_anomaly {test_anomaly}; the MIMII split takes as many of both: leave test_normal out"
        )
    check_number("ids", ids, 1, _MOST_IDS)
    check_number("train_clips", train_clips, 1, _MOST_CLIPS)
    check_number("test_normal", test_normal, 0, _MOST_CLIPS)
    check_number("test_anomaly", test_anomaly, 0, _MOST_CLIPS)
    _check_scene(machine, seed, snr_db, seconds)

    plan = list(_plan(machine, seed, layout, ids, train_clips, test_normal, test_anomaly))
    record = partial(_record, machine=machine, seed=seed, snr_db=snr_db, seconds=seconds)
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for clip, recording in track(_in_parallel(record, plan), label="simulate", total=len(plan)):
            archive.writestr(member(clip.path), recording)
        archive.writestr(member(f"{machine}/faults.csv"), _fault_table(plan))


def simulate_clip(
    *,
    machine: str,
    machine_id: int = 0,
    split: Split = "train",
    fault: str | None = None,
    severity: float = 1.0,
    index: int = 0,
    seed: int = 0,
    snr_db: float = 0.0,
    seconds: float = 10.0,
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
        Of the fault, from 0 (no effect) to 1.
    index : int
        Which recording of this machine, split and condition.
    seed : int
    snr_db : float
        Mean power of the healthy machine over that of the background, in dB.
    seconds : float

    Returns
    -------
    y : np.ndarray [shape=(n,), dtype=float32]
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
    _check_scene(machine, seed, snr_db, seconds)
    check_number("machine_id", machine_id, 0, _MOST_CLIPS)
    check_number("index", index, 0, _MOST_CLIPS)
    check_number("severity", severity, 0.0, 1.0)
    if split not in get_args(Split):
        raise ParameterError(f"split is {split!r}; choose one of {', '.join(get_args(Split))}")
    if fault is not None and fault not in FAULTS:
        raise ParameterError(f"fault is {fault!r}; choose one of {', '.join(FAULTS)}")
    n = round(seconds * RATE)
    key = (machine_id, int(split == "test"), int(fault is not None), index)
    rng, background_rng = (
        _rng(seed, "machine", machine, *key),
        _rng(seed, "background", machine, *key),
    )
    state = _vary(_specimen(machine, machine_id, seed), rng, share=0.01, decibels=1.0)
    if fault is not None:
        state = _with_fault(state, _EFFECTS[machine][fault], severity)
    sound = _machine_sound(state, n, rng)
    noise = _background(n, background_rng)
    noise *= _healthy_rms(machine, machine_id, seed) / _rms(noise) * _amplitude(-snr_db)
    sound += noise
    level = _amplitude(_LEVEL_DB + background_rng.uniform(-_LEVEL_JITTER_DB, _LEVEL_JITTER_DB))
    sound *= min(level / _rms(sound), 0.99 / float(np.max(np.abs(sound))))
    return sound


@dataclass(frozen=True, slots=True)
class _Planned:
    path: str
    machine_id: int
    split: Split
    fault: str | None
    severity: float
    index: int


def _plan(
    machine: str, seed: int, layout: Layout, ids: int, train: int, normal: int, anomaly: int
) -> Iterator[_Planned]:
    for machine_id in range(0, 2 * ids, 2):
        conditions: tuple[tuple[Split, Condition, int], ...] = (
            ("train", "normal", train),
            ("test", "normal", normal),
            ("test", "anomaly", anomaly),
        )
        for split, condition, count in conditions:
            for index in range(count):
                if layout == "dcase2020":
                    path = f"{machine}/{split}/{condition}_id_{machine_id:02d}_{index:08d}.wav"
                elif condition == "anomaly":
                    path = f"{machine}/id_{machine_id:02d}/abnormal/{index:08d}.wav"
                else:  # the first normals in the order of names are the test clips
                    number = index + normal if split == "train" else index
                    path = f"{machine}/id_{machine_id:02d}/normal/{number:08d}.wav"
                fault, severity = None, 0.0
                if condition == "anomaly":
                    fault = FAULTS[index % len(FAULTS)]
                    severity = round(
                        _rng(seed, "severity", machine, machine_id, index).uniform(_MILDEST, 1.0), 3
                    )
                yield _Planned(path, machine_id, split, fault, severity, index)


def _record(clip: _Planned, *, machine: str, seed: int, snr_db: float, seconds: float) -> bytes:
    samples = simulate_clip(
        machine=machine,
        machine_id=clip.machine_id,
        split=clip.split,
        fault=clip.fault,
        severity=clip.severity,
        index=clip.index,
        seed=seed,
        snr_db=snr_db,
        seconds=seconds,
    )
    file = io.BytesIO()
    soundfile.write(
        file, np.rint(samples * 32767.0).astype(np.int16), RATE, format="WAV", subtype="PCM_16"
    )
    return file.getvalue()


def _fault_table(plan: list[_Planned]) -> str:
    rows = [(clip.path, clip.fault, clip.severity) for clip in plan if clip.fault is not None]
    return csv_text([("path", "fault", "severity"), *rows])


def member(name: str) -> zipfile.ZipInfo:
    """A member without the time and system it was written on, so that equal contents give equal
    archives.
    """
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    return info


def _in_parallel(
    record: Callable[[_Planned], bytes], plan: list[_Planned]
) -> Iterator[tuple[_Planned, bytes]]:
    """Yield every clip with its recording, in order. Blocks keep memory flat and an interruption
    short.
    """
    with ThreadPoolExecutor(
        os.cpu_count()
    ) as workers:  # threads suffice: numpy computes without the interpreter's lock
        for start in range(0, len(plan), _BLOCK):
            block = plan[start : start + _BLOCK]
            yield from zip(block, workers.map(record, block), strict=True)


def _check_scene(machine: str, seed: int, snr_db: float, seconds: float) -> None:
    if machine not in MACHINES:
        raise ParameterError(f"machine is {machine!r}; choose one of {', '.join(MACHINES)}")
    if seed < 0:
        raise ParameterError(f"seed is {seed}; give a number that is not negative")
    check_number("snr_db", snr_db, -60.0, 60.0)
    check_number("seconds", seconds, 0.5, 600.0)


def check_number(name: str, value: float, least: float, most: float) -> None:
    """Refuse a number that does not lie within its range."""
    if not least <= value <= most:
        raise ParameterError(f"{name} is {value}; give a number from {least} to {most}")


# ----------------------------------------------------------------------------------------------
# randomness


def _rng(seed: int, purpose: str, machine: str, *key: int) -> np.random.Generator:
    """Return the generator of one purpose for one machine or clip: what is drawn depends on no
    other clip.
    """
    return np.random.default_rng(
        np.random.SeedSequence(
            seed, spawn_key=(_PURPOSES.index(purpose), list(MACHINES).index(machine), *key)
        )
    )


@lru_cache(maxsize=64)
def _specimen(machine: str, machine_id: int, seed: int) -> Machine:
    """One machine of its type: speed, blades, levels and resonances differ as within a factory's
    production.
    """
    rng = _rng(seed, "specimen", machine, machine_id)
    specimen = _vary(MACHINES[machine], rng, share=0.08, decibels=1.0)
    if specimen.rotor is not None:
        specimen = replace(
            specimen,
            rotor=replace(specimen.rotor, blades=specimen.rotor.blades + int(rng.integers(-1, 2))),
        )
    return replace(
        specimen,
        resonances=tuple(
            replace(mode, hz=mode.hz * (1.0 + 0.05 * rng.standard_normal()))
            for mode in specimen.resonances
        ),
    )


@lru_cache(maxsize=64)
def _healthy_rms(machine: str, machine_id: int, seed: int) -> float:
    """The level that a signal-to-noise ratio refers to: a fault that is louder is heard better, as
    in reality.
    """
    return _rms(
        _machine_sound(
            _specimen(machine, machine_id, seed),
            10 * RATE,
            _rng(seed, "reference", machine, machine_id),
        )
    )


def _vary(machine: Machine, rng: np.random.Generator, *, share: float, decibels: float) -> Machine:
    """Scatter frequencies and times by `share` and levels by `decibels` (standard deviations)."""

    def scatter(name: str, value: float) -> float:
        if _is_relative(name):
            return value * (1.0 + share * rng.standard_normal())
        return value + decibels * rng.standard_normal() if name.endswith("_db") else value

    return _change(machine, scatter)


def _with_fault(machine: Machine, effects: Mapping[str, float], severity: float) -> Machine:
    def worsen(name: str, value: float) -> float:
        effect = severity * effects.get(name, 0.0)
        return value * (1.0 + effect) if _is_relative(name) else value + effect

    return _change(machine, worsen)


def _is_relative(name: str) -> bool:
    return name.endswith(("_hz", "_s"))


def _change(part: Part, change: Callable[[str, float], float]) -> Part:
    """Apply `change(name, value)` to every number of a machine, of its rotor and its cycle."""
    new: dict[str, Any] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, Rotor | Cycle):
            new[field.name] = _change(value, change)  # type: ignore[type-var]
        elif isinstance(value, float):
            new[field.name] = change(field.name, value)
    return replace(part, **new)


# -------------------------------------------------------------------------------------------------
# machine


def _machine_sound(machine: Machine, n: int, rng: np.random.Generator) -> Signal:
    """Return what the machine itself sounds like, at the levels of its constants [shape=(n,)]."""
    time = np.arange(n) / RATE
    activity, impacts = _strokes(machine.cycle, n, rng)
    flow = _noise(n, _FLOW_KNOTS_HZ, _flow_levels(machine), rng)
    flow *= _amplitude(machine.flow_db) * (1.0 + 0.15 * _wander(rng, n, 4.0))
    hum = _harmonics(np.arange(1, 17), machine.hum_db - 3.0 * np.arange(16), rng)
    sound = np.zeros(n, np.float32)
    if (rotor := machine.rotor) is not None:
        speed = rotor.shaft_hz * (1.0 + rotor.drift * _wander(rng, n, 0.5))
        speed *= 1.0 + rotor.ripple * _COSINE[_angle(rng.uniform(1.5, 3.0) * time + rng.random())]
        turns = np.cumsum(speed * activity / RATE, dtype=np.float64) + rng.random()
        angle = _angle(turns)
        once_per_turn = 1.0 + rotor.modulation * _COSINE[angle]
        sound += _rotor_waveform(rotor, rng)[angle]
        flow *= once_per_turn
        impacts += _bearing_impacts(rotor, turns, rng) * once_per_turn
    impacts += _crackle(machine, activity, rng)
    sound *= activity
    sound += (flow + hum[_angle(2.0 * _MAINS_HZ * time)]) * (
        machine.leak + (1.0 - machine.leak) * activity
    )
    sound += np.fft.irfft(np.fft.rfft(impacts) * _housing(machine.resonances, n), n)
    return sound


def _strokes(cycle: Cycle | None, n: int, rng: np.random.Generator) -> tuple[Signal, Signal]:
    """Return how fast the machine moves, from 0 to 1, and the knocks at the ends of its strokes,
    both [shape=(n,)].
    """
    knocks = np.zeros(n, np.float32)
    if cycle is None:
        return np.ones(n, np.float32), knocks
    seconds = n / RATE
    count = int(2.0 * seconds / cycle.period_s) + 4
    periods = cycle.period_s * np.maximum(1.0 + cycle.jitter * rng.standard_normal(count), 0.2)
    starts = np.cumsum(periods) - cycle.period_s * (1.0 + rng.random())
    moves = np.minimum(cycle.move_s, 0.9 * periods[1:])
    ramps = np.minimum(cycle.ramp_s, 0.45 * moves)
    begins = starts[:-1]
    knots = np.stack(
        (begins, begins + ramps, begins + moves - ramps, begins + moves), axis=1
    ).ravel()
    activity = np.interp(
        np.arange(n) / RATE, knots, np.tile((0.0, 1.0, 1.0, 0.0), len(begins))
    ).astype(np.float32)

    hits = np.concatenate((begins, begins + moves))
    rebounds = cycle.bounce ** np.arange(6)
    times = hits[:, np.newaxis] + _FIRST_FLIGHT_S * (np.cumsum(rebounds) - 1.0)
    weights = (1.0 + 0.2 * rng.standard_normal(hits.shape))[:, np.newaxis] * rebounds
    _strike(
        knocks, times.ravel() * RATE, _amplitude(cycle.knock_db) * np.sqrt(RATE) * weights.ravel()
    )
    return activity, knocks


def _rotor_waveform(rotor: Rotor, rng: np.random.Generator) -> Signal:
    """Return one turn of shaft vibration and blade-pass tones [shape=(_TURN,)]."""
    orders = np.arange(1, 9)
    shaft = _harmonics(
        orders, np.concatenate(([rotor.once_db], rotor.twice_db - 6.0 * np.arange(7))), rng
    )
    blade = _harmonics(orders * rotor.blades, rotor.blade_db - 6.0 * (orders - 1), rng)
    sway = rotor.modulation * _TURN / (2.0 * np.pi * rotor.blades) * _COSINE
    swayed = blade[(np.arange(_TURN) + sway).astype(np.int64).astype(np.uint16)]
    return shaft + swayed * (1.0 + rotor.modulation * _COSINE)


def _bearing_impacts(rotor: Rotor, turns: Numbers, rng: np.random.Generator) -> Signal:
    passes = np.arange(np.ceil(turns[0] * rotor.bearing_order), turns[-1] * rotor.bearing_order)
    passes += 0.05 * rng.standard_normal(passes.shape)  # rolling elements slip
    impacts = np.zeros(turns.shape, np.float32)
    gain = _amplitude(rotor.bearing_db) * np.sqrt(RATE / (rotor.shaft_hz * rotor.bearing_order))
    _strike(
        impacts,
        np.searchsorted(turns, passes / rotor.bearing_order),
        gain * (1.0 + 0.3 * rng.standard_normal(passes.shape)),
    )
    return impacts


def _crackle(machine: Machine, activity: Signal, rng: np.random.Generator) -> Signal:
    n = activity.size
    times = rng.integers(0, n, rng.poisson(machine.crackle_hz * n / RATE))
    impacts = np.zeros(n, np.float32)
    gain = _amplitude(machine.crackle_db) * np.sqrt(RATE / machine.crackle_hz)
    _strike(impacts, times, gain * activity[times] * rng.standard_normal(times.shape))
    return impacts


def _strike(impacts: Signal, samples: Numbers, weights: Numbers) -> None:
    inside = (samples >= 0) & (samples < impacts.size)
    np.add.at(impacts, samples[inside].astype(np.int64), weights[inside].astype(np.float32))


@lru_cache(maxsize=32)
def _housing(resonances: tuple[Resonance, ...], n: int) -> npt.NDArray[np.complex64]:
    """Return the frequency response of the housing; its impulse response has unit energy [shape=(n
    // 2 + 1,)].
    """
    hz = np.fft.rfftfreq(n, 1.0 / RATE)
    response = np.zeros(hz.shape, np.complex128)
    for mode in resonances:
        response += (
            _amplitude(mode.gain_db)
            * mode.hz**2
            / mode.quality
            / (mode.hz**2 - hz**2 + 1j * hz * mode.hz / mode.quality)
        )
    response /= np.sqrt(2.0 * np.sum(np.abs(response) ** 2) / n)
    return response.astype(np.complex64)


_FLOW_KNOTS_HZ = np.geomspace(20.0, 8000.0, 40)


def _flow_levels(machine: Machine) -> Numbers:
    """Return the spectrum of the flow noise at `_FLOW_KNOTS_HZ`, in dB."""
    octaves = np.log2(_FLOW_KNOTS_HZ / machine.flow_hz)
    levels: Numbers = np.where(octaves > 0.0, -machine.flow_slope, 3.0) * octaves
    return levels


# ----------------------------------------------------------------------------------------------
# background


def _background(n: int, rng: np.random.Generator) -> Signal:
    """Return a factory's noise, of another place and moment in every clip: rumble, hissing, other
    machines, clanks [shape=(n,)].
    """
    knots = np.geomspace(20.0, 8000.0, 12)
    octaves = np.log2(knots / 20.0)
    rumble = _noise(
        n, knots, -rng.uniform(3.0, 4.5) * octaves + 2.0 * rng.standard_normal(knots.shape), rng
    )
    rumble *= _swell(rng, n, 0.3, 4.0)
    centre = np.log2(rng.uniform(500.0, 4000.0) / 20.0)
    hiss = _noise(
        n, knots, -6.0 * np.abs(octaves - centre) + 2.0 * rng.standard_normal(knots.shape), rng
    )
    hiss *= _amplitude(rng.uniform(-16.0, -6.0)) * _swell(rng, n, 1.0, 7.0)
    rumble += hiss

    orders = np.arange(1, 40)
    levels = (
        rng.uniform(-14.0, -2.0)
        - 10.0
        - rng.uniform(2.0, 6.0) * np.log2(orders)
        + 5.0 * rng.standard_normal(orders.shape)
    )
    turns = np.cumsum(
        rng.uniform(20.0, 90.0) * (1.0 + 0.01 * _wander(rng, n, 0.5)) / RATE, dtype=np.float64
    )
    other = _harmonics(orders, levels, rng)[_angle(turns)]
    other *= _swell(rng, n, 0.5, 6.0)
    rumble += other

    for start in rng.integers(0, n, rng.poisson(0.8 * n / RATE)):
        clank = _clank(rng)[: n - start]
        rumble[start : start + clank.size] += clank
    return rumble


def _clank(rng: np.random.Generator) -> Signal:
    """Return one blow on some metal part: a few damped modes [shape=(0.3 s,)]."""
    time = np.arange(int(0.3 * RATE), dtype=np.float32) / RATE
    hz = rng.uniform(300.0, 6000.0, (5, 1)).astype(np.float32)
    decay = rng.uniform(15.0, 60.0, (5, 1)).astype(np.float32)
    phase = rng.uniform(0.0, 2.0 * np.pi, (5, 1)).astype(np.float32)
    modes = np.exp(-decay * time) * np.sin(2.0 * np.pi * hz * time + phase)
    clank: Signal = np.float32(_amplitude(rng.uniform(-6.0, 6.0))) * modes.sum(axis=0)
    return clank


# --------------------------------------------------------------------------------------------------
# signal

_COSINE = np.cos(2.0 * np.pi * np.arange(_TURN) / _TURN).astype(np.float32)


def _noise(n: int, knots_hz: Numbers, levels_db: Numbers, rng: np.random.Generator) -> Signal:
    """Return Gaussian noise of unit power whose spectrum is given in dB at some frequencies
    [shape=(n,)].
    """
    bins = n // 2 + 1
    step = bins // 2000 + 1
    hz = np.arange(0, bins + step, step) * (RATE / n)
    shape = _lines(np.interp(hz, knots_hz, 10.0 ** (levels_db / 20.0), left=0.0), step)[:bins]
    spectrum = rng.standard_normal(2 * bins, dtype=np.float32).view(np.complex64)
    spectrum *= shape * np.float32(0.5 * n / np.sqrt(np.sum(shape**2, dtype=np.float64)))
    return np.fft.irfft(spectrum, n).astype(np.float32, copy=False)


def _harmonics(orders: Numbers, levels_db: Numbers, rng: np.random.Generator) -> Signal:
    """Return one period of a sum of harmonics of random phase [shape=(_TURN,)]."""
    spectrum = np.zeros(_TURN // 2 + 1, np.complex64)
    phases = rng.uniform(0.0, 2.0 * np.pi, orders.shape)
    spectrum[orders] = _TURN / np.sqrt(2.0) * 10.0 ** (levels_db / 20.0) * np.exp(1j * phases)
    return np.fft.irfft(spectrum, _TURN).astype(np.float32, copy=False)


def _angle(turns: Numbers) -> npt.NDArray[np.uint16]:
    """Return the place within a waveform of `_TURN` samples."""
    return (turns * _TURN).astype(np.int64).astype(np.uint16)


def _wander(rng: np.random.Generator, n: int, hz: float) -> Signal:
    """Return a slow wander about zero, with a new random direction `hz` times a second
    [shape=(n,)].
    """
    step = int(RATE / hz)
    start = int(rng.integers(step))
    return _lines(rng.standard_normal(n // step + 3), step)[start : start + n]


def _lines(knots: Numbers, step: int) -> Signal:
    """Join knots `step` samples apart by straight lines [shape=((len(knots) - 1) * step,)]."""
    knots = knots.astype(np.float32)[:, np.newaxis]
    share = np.arange(step, dtype=np.float32) / np.float32(step)
    joined: Signal = (knots[:-1] + np.diff(knots, axis=0) * share).ravel()
    return joined


def _swell(rng: np.random.Generator, n: int, hz: float, decibels: float) -> Signal:
    """Return a gain that comes and goes by `decibels` (standard deviation) [shape=(n,)]."""
    gain: Signal = np.exp(np.float32(np.log(10.0) / 20.0 * decibels) * _wander(rng, n, hz))
    return gain


def _amplitude(decibels: float) -> float:
    return float(10.0 ** (decibels / 20.0))


def _rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(np.square(signal), dtype=np.float64)))
