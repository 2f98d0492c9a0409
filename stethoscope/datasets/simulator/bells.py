"""Simulated recordings of machines with a signal bell, and labels of when it rings."""

import os
import zipfile

import numpy as np

from stethoscope.datasets.simulator.archive import encode_wav, zip_member
from stethoscope.datasets.simulator.clip import check_number, check_seed, simulate_clip
from stethoscope.datasets.simulator.machine import MACHINES
from stethoscope.datasets.simulator.signals import RATE, Signal
from stethoscope.files import atomic_file
from stethoscope.progress import track

LABEL = "Bell"

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


def simulate_bells(
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    snr_db: float = 0.0,
    recordings: int = 16,
    seconds: float = 30.0,
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

    Raises
    ------
    ParameterError
        If a parameter has a value that cannot work.
    """
    check_seed(seed)
    check_number("snr_db", snr_db, -60.0, 60.0)
    check_number("recordings", recordings, 1, 10_000)
    check_number("seconds", seconds, 5.0, 600.0)
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for number in track(range(recordings), label="simulate", total=recordings):
            samples, spans = _recording(seed, number, snr_db, seconds)
            archive.writestr(zip_member(f"bells/audio_{number:02d}.wav"), encode_wav(samples))
            labels = "".join(f"{start:.6f}\t{end:.6f}\t{LABEL}\n" for start, end in spans)
            archive.writestr(zip_member(f"bells/labels_{number:02d}.txt"), labels)


def _recording(
    seed: int, number: int, snr_db: float, seconds: float
) -> tuple[Signal, list[tuple[float, float]]]:
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
    spans = []
    start = rng.uniform(*_GAP_S)
    while start + _RING_S[1] < seconds:
        first, lasts = round(start * RATE), rng.uniform(*_RING_S)
        bell = _bell(pitch, lasts, rng)
        bell *= level / np.sqrt(np.mean(np.square(bell), dtype=np.float64))
        samples[first : first + len(bell)] += bell
        spans.append((first / RATE, (first + len(bell)) / RATE))
        start += lasts + rng.uniform(*_GAP_S)
    samples *= min(1.0, 0.99 / float(np.max(np.abs(samples))))
    return samples, spans


def _bell(pitch: float, seconds: float, rng: np.random.Generator) -> Signal:
    """Return a bell that is struck repeatedly, and damped at the end."""
    time = np.arange(round(seconds * RATE)) / RATE
    blows = np.zeros(len(time))
    at = 0.0
    while at < seconds:
        blows[min(round(at * RATE), len(time) - 1)] = rng.uniform(0.8, 1.2)
        at += rng.normal(1.0, 0.03) / _CLAPPER_HZ
    ringing = sum(
        10 ** (level / 20)
        * np.exp(-decay * time)
        * np.sin(2 * np.pi * pitch * ratio * time + rng.uniform(0, 2 * np.pi))
        for ratio, level, decay in _PARTIALS
    )
    size = 2 * len(time)
    rung = np.fft.irfft(np.fft.rfft(blows, size) * np.fft.rfft(ringing, size), size)[: len(time)]
    fade = np.minimum(1.0, (seconds - time) / 0.02)
    bell: Signal = (rung * fade).astype(np.float32)
    return bell
