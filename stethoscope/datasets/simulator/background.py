"""The background of simulated recordings."""

from dataclasses import dataclass

import numpy as np

from stethoscope.datasets.simulator.signals import (
    RATE,
    Signal,
    amplitude,
    angle_index,
    harmonics,
    noise,
    swell,
    wander,
)


@dataclass(frozen=True, slots=True)
class Background:
    """The sounds around a machine, each of its own source.

    Attributes
    ----------
    rumble, hiss, other_machine : np.ndarray [shape=(n,)]
    clanks : list of tuple of int and np.ndarray
        First sample and sound of each clank.
    """

    rumble: Signal
    hiss: Signal
    other_machine: Signal
    clanks: list[tuple[int, Signal]]

    def mixed(self) -> Signal:
        """Return the sum of all sources [shape=(n,)]."""
        mixed: Signal = self.rumble + self.hiss
        mixed += self.other_machine
        add_clanks(mixed, self.clanks)
        return mixed


def background_sources(
    n: int, rng: np.random.Generator, place: np.random.Generator | None = None
) -> Background:
    """Return the noise of a factory: rumble, hiss, another machine, clanks.

    It differs from clip to clip, as at another place and time.

    Parameters
    ----------
    n : int
        Samples.
    rng : np.random.Generator
        Of the clip.
    place : np.random.Generator, optional
        Draws the spectra and the other machine instead of `rng`. Clips with equal generators are of
        one place: the sounds are the same, when and how loudly they are heard differs.
    """
    place = place or rng
    rumble, hiss = _rumble_and_hiss(n, rng, place)
    other_machine = _other_machine(n, rng, place)
    starts = rng.integers(0, n, rng.poisson(0.8 * n / RATE))
    clanks = [(int(start), _clank(rng)[: n - start]) for start in starts]
    return Background(rumble, hiss, other_machine, clanks)


def add_clanks(sound: Signal, clanks: list[tuple[int, Signal]]) -> None:
    """Add clanks to a sound, in place."""
    for start, clank in clanks:
        sound[start : start + clank.size] += clank


def _rumble_and_hiss(
    n: int, rng: np.random.Generator, place: np.random.Generator
) -> tuple[Signal, Signal]:
    knots = np.geomspace(20.0, 8000.0, 12)
    octaves = np.log2(knots / 20.0)
    levels = -place.uniform(3.0, 4.5) * octaves + 2.0 * place.standard_normal(knots.shape)
    rumble = noise(n, knots, levels, rng)
    rumble *= swell(rng, n, 0.3, 4.0)
    centre = np.log2(place.uniform(500.0, 4000.0) / 20.0)
    levels = -6.0 * np.abs(octaves - centre) + 2.0 * place.standard_normal(knots.shape)
    hiss = noise(n, knots, levels, rng)
    hiss *= amplitude(place.uniform(-16.0, -6.0)) * swell(rng, n, 1.0, 7.0)
    return rumble, hiss


def _other_machine(n: int, rng: np.random.Generator, place: np.random.Generator) -> Signal:
    orders = np.arange(1, 40)
    levels = (
        place.uniform(-14.0, -2.0)
        - 10.0
        - place.uniform(2.0, 6.0) * np.log2(orders)
        + 5.0 * place.standard_normal(orders.shape)
    )
    turns = np.cumsum(
        place.uniform(20.0, 90.0) * (1.0 + 0.01 * wander(rng, n, 0.5)) / RATE, dtype=np.float64
    )
    tones: Signal = harmonics(orders, levels, rng)[angle_index(turns)]
    return tones * swell(rng, n, 0.5, 6.0)


def _clank(rng: np.random.Generator) -> Signal:
    """Return the sound of a metal part that is struck: a few damped modes [shape=(0.3 s,)]."""
    time = np.arange(int(0.3 * RATE), dtype=np.float32) / RATE
    hz = rng.uniform(300.0, 6000.0, (5, 1)).astype(np.float32)
    decay = rng.uniform(15.0, 60.0, (5, 1)).astype(np.float32)
    phase = rng.uniform(0.0, 2.0 * np.pi, (5, 1)).astype(np.float32)
    modes = np.exp(-decay * time) * np.sin(2.0 * np.pi * hz * time + phase)
    clank: Signal = np.float32(amplitude(rng.uniform(-6.0, 6.0))) * modes.sum(axis=0)
    return clank
