"""Simulated recordings of machines with a signal bell, and labels of when it rings.

Somebody may knock too, so that there are two classes of events, which overlap at times.
"""

import os
import zipfile
from typing import NamedTuple

import numpy as np

from stethoscope.datasets.simulator.archive import encode_wav, zip_member
from stethoscope.datasets.simulator.clip import check_number, check_seed, simulate_clip
from stethoscope.datasets.simulator.machine import MACHINES
from stethoscope.datasets.simulator.signals import RATE, Signal
from stethoscope.files import atomic_file
from stethoscope.progress import track

LABEL = "Bell"
KNOCK = "Knock"

_CLAPPER_HZ = 14.0
_PITCH_HZ = (1100.0, 1400.0)
_PARTIALS = (
    (1.0, 0.0, 6.0),
    (2.0, -3.0, 8.0),
    (2.76, -6.0, 11.0),
    (5.4, -12.0, 18.0),
)  # of a bell: ratio, level in dB, decay per second
_GAP_S = (1.0, 4.0)
_RING_S = (0.6, 1.4)

_KNOCK_HZ = 7.0
_WOOD = ((1.0, 0.0, 25.0), (1.62, -4.0, 35.0), (2.3, -8.0, 50.0))  # as `_PARTIALS`
_WOOD_HZ = (600.0, 800.0)

_Spans = list[tuple[float, float]]


def simulate_bells(
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    snr_db: float = 0.0,
    recordings: int = 16,
    seconds: float = 30.0,
    kinds: int = 1,
) -> None:
    """Write an archive of recordings with time labels.

    They are ``bells/audio_<n>.wav``, 16 kHz PCM16 mono, and ``bells/labels_<n>.txt``.

    Fans, pumps, sliders and valves alternate, each time another specimen with another background.
    The same bell, at different distances, rings for 0.6 to 1.4 s at irregular times; a clapper
    strikes it 14 times a second. Equal parameters give equal bytes.

    Parameters
    ----------
    path : path
        The zip to write; an existing file is replaced when the new one is complete.
    seed : int
        At least 0.
    snr_db : float
        Mean power of the ringing bell over that of the machine and its factory, in dB; it varies by
        3 dB from recording to recording.
    recordings : int
    seconds : float
        Length of a recording, in seconds.
    kinds : int
        Kinds of events: 1, the bell; 2, also knocks at a door, at times of their own, 7 a second
        for 0.6 to 1.4 s.

    Raises
    ------
    ParameterError
        If a parameter has a value that cannot work.
    """
    check_seed(seed)
    check_number("snr_db", snr_db, -60.0, 60.0)
    check_number("recordings", recordings, 1, 10_000)
    check_number("seconds", seconds, 5.0, 600.0)
    check_number("kinds", kinds, 1, 2)
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for number in track(range(recordings), label="simulate", total=recordings):
            samples, spans = _recording(seed, number, snr_db, seconds, knocks=kinds > 1)
            archive.writestr(zip_member(f"bells/audio_{number:02d}.wav"), encode_wav(samples))
            labels = "".join(f"{start:.6f}\t{end:.6f}\t{label}\n" for start, end, label in spans)
            archive.writestr(zip_member(f"bells/labels_{number:02d}.txt"), labels)


def _recording(
    seed: int, number: int, snr_db: float, seconds: float, *, knocks: bool
) -> tuple[Signal, list[tuple[float, float, str]]]:
    rng = np.random.default_rng([seed, number])
    machines = list(MACHINES)
    samples = simulate_clip(
        machine=machines[number % len(machines)],
        machine_id=number,
        seed=seed,
        seconds=seconds,
        snr_db=rng.uniform(-3, 6),
    )
    pitch = np.random.default_rng(seed).uniform(*_PITCH_HZ)
    level = np.sqrt(np.mean(np.square(samples), dtype=np.float64)) * 10 ** (
        (snr_db + rng.uniform(-3, 3)) / 20
    )
    bell = _Struck(pitch, _CLAPPER_HZ, _PARTIALS)
    spans = [(*span, LABEL) for span in _add(bell, samples, level, rng)]
    if knocks:
        rng = np.random.default_rng([seed, number, 1])
        wood = np.random.default_rng([seed, 1]).uniform(*_WOOD_HZ)
        knock = _Struck(wood, _KNOCK_HZ, _WOOD)
        spans += [(*span, KNOCK) for span in _add(knock, samples, level, rng)]
    samples *= min(1.0, 0.99 / float(np.max(np.abs(samples))))
    return samples, sorted(spans)


class _Struck(NamedTuple):
    """A thing that is struck: its pitch in Hz, blows per second, and partials."""

    pitch: float
    blows: float
    partials: tuple[tuple[float, float, float], ...]


def _add(struck: _Struck, samples: Signal, level: float, rng: np.random.Generator) -> _Spans:
    """Add events to a recording at irregular times; return their starts and ends in seconds."""
    spans = []
    start = rng.uniform(*_GAP_S)
    while start + _RING_S[1] < len(samples) / RATE:
        first, lasts = round(start * RATE), rng.uniform(*_RING_S)
        event = _blows(struck, lasts, rng)
        event *= level / np.sqrt(np.mean(np.square(event), dtype=np.float64))
        samples[first : first + len(event)] += event
        spans.append((first / RATE, (first + len(event)) / RATE))
        start += lasts + rng.uniform(*_GAP_S)
    return spans


def _blows(struck: _Struck, seconds: float, rng: np.random.Generator) -> Signal:
    """Return the sound of a thing that is struck repeatedly, and damped at the end."""
    time = np.arange(round(seconds * RATE)) / RATE
    blows = np.zeros(len(time))
    at = 0.0
    while at < seconds:
        blows[min(round(at * RATE), len(time) - 1)] = rng.uniform(0.8, 1.2)
        at += rng.normal(1.0, 0.03) / struck.blows
    ringing = sum(
        10 ** (level / 20)
        * np.exp(-decay * time)
        * np.sin(2 * np.pi * struck.pitch * ratio * time + rng.uniform(0, 2 * np.pi))
        for ratio, level, decay in struck.partials
    )
    size = 2 * len(time)
    rung = np.fft.irfft(np.fft.rfft(blows, size) * np.fft.rfft(ringing, size), size)[: len(time)]
    fade = np.minimum(1.0, (seconds - time) / 0.02)
    sound: Signal = (rung * fade).astype(np.float32)
    return sound
