"""The sound of a simulated machine, computed from its constants."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.simulator.machine import Cycle, Machine, Resonance, Rotor
from stethoscope.datasets.simulator.signals import (
    COSINE,
    RATE,
    TURN,
    Numbers,
    Signal,
    amplitude,
    angle_index,
    harmonics,
    noise,
    wander,
)

_MAINS_HZ = 50.0
_FIRST_FLIGHT_S = 0.03  # from a knock to its first rebound
_FLOW_KNOTS_HZ = np.geomspace(20.0, 8000.0, 40)


def machine_sound(machine: Machine, n: int, rng: np.random.Generator) -> Signal:
    """Return the sound of a machine alone, at the levels of its constants [shape=(n,)]."""
    time = np.arange(n) / RATE
    activity, impacts = _strokes(machine.cycle, n, rng)
    flow = noise(n, _FLOW_KNOTS_HZ, _flow_levels(machine), rng)
    flow *= amplitude(machine.flow_db) * (1.0 + 0.15 * wander(rng, n, 4.0))
    hum = harmonics(np.arange(1, 17), machine.hum_db - 3.0 * np.arange(16), rng)
    sound = np.zeros(n, np.float32)
    if (rotor := machine.rotor) is not None:
        turns = _turns(rotor, activity, rng)
        angle = angle_index(turns)
        once_per_turn = 1.0 + rotor.modulation * COSINE[angle]
        sound += _rotor_waveform(rotor, rng)[angle]
        flow *= once_per_turn
        impacts += _bearing_impacts(rotor, turns, rng) * once_per_turn
    impacts += _crackle(machine, activity, rng)
    sound *= activity
    sound += (flow + hum[angle_index(2.0 * _MAINS_HZ * time)]) * (
        machine.leak + (1.0 - machine.leak) * activity
    )
    sound += np.fft.irfft(np.fft.rfft(impacts) * housing(machine.resonances, n), n)
    return sound


def _turns(rotor: Rotor, activity: Signal, rng: np.random.Generator) -> Numbers:
    """Return how many turns the shaft has made at each sample."""
    n = activity.size
    time = np.arange(n) / RATE
    speed = rotor.shaft_hz * (1.0 + rotor.drift * wander(rng, n, 0.5))
    speed *= 1.0 + rotor.ripple * COSINE[angle_index(rng.uniform(1.5, 3.0) * time + rng.random())]
    turns: Numbers = np.cumsum(speed * activity / RATE, dtype=np.float64) + rng.random()
    return turns


def _strokes(cycle: Cycle | None, n: int, rng: np.random.Generator) -> tuple[Signal, Signal]:
    """Return the speed of the machine, from 0 to 1, and the knocks at the ends of its strokes.

    Both have the shape (n,).
    """
    knocks = np.zeros(n, np.float32)
    if cycle is None:
        return np.ones(n, np.float32), knocks
    seconds = n / RATE
    count = int(2.0 * seconds / cycle.period_s) + 4
    periods = cycle.period_s * np.maximum(1.0 + cycle.jitter * rng.standard_normal(count), 0.2)
    starts = (np.cumsum(periods) - cycle.period_s * (1.0 + rng.random()))[:-1]
    moves = np.minimum(cycle.move_s, 0.9 * periods[1:])
    _knock(knocks, cycle, np.concatenate((starts, starts + moves)), rng)
    return _activity(cycle, n, starts, moves), knocks


def _activity(cycle: Cycle, n: int, starts: Numbers, moves: Numbers) -> Signal:
    """Return the speed over strokes that accelerate, move evenly and brake [shape=(n,)]."""
    ramps = np.minimum(cycle.ramp_s, 0.45 * moves)
    ends = starts + moves
    knots = np.stack((starts, starts + ramps, starts + moves - ramps, ends), axis=1).ravel()
    speeds = np.tile((0.0, 1.0, 1.0, 0.0), len(starts))
    activity: Signal = np.interp(np.arange(n) / RATE, knots, speeds).astype(np.float32)
    return activity


def _knock(knocks: Signal, cycle: Cycle, seconds: Numbers, rng: np.random.Generator) -> None:
    """Add knocks at some times, each with its rebounds."""
    rebounds = cycle.bounce ** np.arange(6)
    times = seconds[:, np.newaxis] + _FIRST_FLIGHT_S * (np.cumsum(rebounds) - 1.0)
    weights = (1.0 + 0.2 * rng.standard_normal(seconds.shape))[:, np.newaxis] * rebounds
    gain = amplitude(cycle.knock_db) * np.sqrt(RATE)
    _strike(knocks, times.ravel() * RATE, gain * weights.ravel())


def _rotor_waveform(rotor: Rotor, rng: np.random.Generator) -> Signal:
    """Return one turn of shaft vibration and blade-pass tones [shape=(TURN,)]."""
    orders = np.arange(1, 9)
    shaft = harmonics(
        orders, np.concatenate(([rotor.once_db], rotor.twice_db - 6.0 * np.arange(7))), rng
    )
    blade = harmonics(orders * rotor.blades, rotor.blade_db - 6.0 * (orders - 1), rng)
    sway = rotor.modulation * TURN / (2.0 * np.pi * rotor.blades) * COSINE
    swayed = blade[(np.arange(TURN) + sway).astype(np.int64).astype(np.uint16)]
    return shaft + swayed * (1.0 + rotor.modulation * COSINE)


def _bearing_impacts(rotor: Rotor, turns: Numbers, rng: np.random.Generator) -> Signal:
    passes = np.arange(np.ceil(turns[0] * rotor.bearing_order), turns[-1] * rotor.bearing_order)
    passes += 0.05 * rng.standard_normal(passes.shape)  # rolling elements slip
    impacts = np.zeros(turns.shape, np.float32)
    gain = amplitude(rotor.bearing_db) * np.sqrt(RATE / (rotor.shaft_hz * rotor.bearing_order))
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
    gain = amplitude(machine.crackle_db) * np.sqrt(RATE / machine.crackle_hz)
    _strike(impacts, times, gain * activity[times] * rng.standard_normal(times.shape))
    return impacts


def _strike(impacts: Signal, samples: Numbers, weights: Numbers) -> None:
    inside = (samples >= 0) & (samples < impacts.size)
    np.add.at(impacts, samples[inside].astype(np.int64), weights[inside].astype(np.float32))


@lru_cache(maxsize=32)
def housing(resonances: tuple[Resonance, ...], n: int) -> npt.NDArray[np.complex64]:
    """Return the frequency response of the housing [shape=(n // 2 + 1,)].

    Its impulse response has unit energy.
    """
    hz = np.fft.rfftfreq(n, 1.0 / RATE)
    response = np.zeros(hz.shape, np.complex128)
    for mode in resonances:
        response += (
            amplitude(mode.gain_db)
            * mode.hz**2
            / mode.quality
            / (mode.hz**2 - hz**2 + 1j * hz * mode.hz / mode.quality)
        )
    response /= np.sqrt(2.0 * np.sum(np.abs(response) ** 2) / n)
    return response.astype(np.complex64)


def _flow_levels(machine: Machine) -> Numbers:
    """Return the spectrum of the flow noise at `_FLOW_KNOTS_HZ`, in dB."""
    octaves = np.log2(_FLOW_KNOTS_HZ / machine.flow_hz)
    levels: Numbers = np.where(octaves > 0.0, -machine.flow_slope, 3.0) * octaves
    return levels
