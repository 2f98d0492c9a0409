"""Figures of the event detector on recordings that it was not trained on, over several seeds.

The test recordings are used as they are, and in sparse mixes: their backgrounds, from which every
event is cut, with single events of the same recordings at irregular times, about one in 45 s.

    python benchmarks/events.py /path/to/bell_audacity_labels.zip --seeds 5
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.audacity import intervals_of, recordings_of
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.events.metrics import Stretch, event_figures, window_figures
from stethoscope.events.model import NETWORKS, EventDetector
from stethoscope.events.options import (
    EVENTS,
    TEACHING,
    TEACHING_BANDS,
    EventFit,
    event_bands,
)
from stethoscope.events.train import train_events
from stethoscope.events.windows import LabelledWindows, score_part
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.options import split_list
from stethoscope.sound.audio import load
from stethoscope.sound.bands import BandSpectrum

RATE = 16000  # Hz
FADE = 0.02  # seconds
TOLERANCE = 0.3  # seconds
VARIANTS: dict[str, tuple[BandSpectrum, dict[str, Any]]] = {
    "tiny": (BandSpectrum(n_bands=TEACHING_BANDS), TEACHING),
    "augmented": (BandSpectrum(n_bands=TEACHING_BANDS), {**TEACHING, "augmentation": True}),
    "wide": (event_bands(EVENTS.defaults), {}),
}
"""The field's teaching example, the same with augmented training, and the default, a network of
less than three times its size for frequencies up to 6 kHz.
"""

COLUMNS = ("event F1", "false/h", "sparse F1", "false/h", "delay s", "train s")
HEAD = f"{'':<10}{'seed':>4}{'size':>7}  {'network':<8}{'window AUC':>11}" + "".join(
    f"{text:>11}" for text in COLUMNS
)

Samples = npt.NDArray[np.float32]
Row = tuple[float, ...]


@dataclass(frozen=True)
class Recordings:
    """The labelled recordings of an archive."""

    archive: Path
    table: list[Clip]
    samples: dict[str, Samples]


def main() -> None:
    """Print a line per seed and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--minutes",
        type=float,
        default=30.0,
        help="length of the sparse mix of a seed (default: 30)",
    )
    parser.add_argument("--variants", default=",".join(VARIANTS))
    options = parser.parse_args()
    table = index([options.archive])
    samples = read(options.archive, recordings_of(table))
    recordings = Recordings(options.archive, table, samples)
    print(HEAD)
    for name in split_list(options.variants):
        with tempfile.TemporaryDirectory() as folder:
            measure_variant(recordings, name, options.seeds, options.minutes, Path(folder))


def measure_variant(
    recordings: Recordings, name: str, seeds: int, minutes: float, folder: Path
) -> None:
    """Print the lines of a variant: one per seed and network, and the means over the seeds."""
    feature, settings = VARIANTS[name]
    whole = recordings_of(recordings.table)
    store = extract_features([recordings.archive], whole, feature, folder / "store", min_frames=32)
    rows: dict[str, list[Row]] = {network: [] for network in NETWORKS}
    size = 0
    for seed in range(seeds):
        fit = EventFit(seed=seed, **settings)
        started = time.perf_counter()
        size = train_events(store, recordings.table, fit, folder / "model").parameters
        seconds = time.perf_counter() - started
        windows = LabelledWindows.cut(store, recordings.table, fit)
        mix = mix_of_test_part(recordings, store, windows, minutes, seed)
        for network in NETWORKS:
            detector = EventDetector.open(folder / "model", network)
            row = (*figures(store, windows, detector, mix), seconds)
            rows[network].append(row)
            print(line(name, str(seed), size, network, row), flush=True)
    for network in NETWORKS:
        means = tuple(np.mean(rows[network], axis=0))
        print(line(name, "mean", size, network, means), flush=True)


def mix_of_test_part(
    recordings: Recordings,
    store: FeatureStore,
    windows: LabelledWindows,
    minutes: float,
    seed: int,
) -> tuple[Samples, list[tuple[float, float]]]:
    """Return a sparse mix of the test recordings, and where its events are."""
    clips = [store.clips[clip] for clip in np.unique(windows.clip[windows.of("test")])]
    intervals = intervals_of(recordings.table)
    return sparse_mix(
        [recordings.samples[clip.path] for clip in clips],
        [intervals[clip.source, clip.path] for clip in clips],
        minutes,
        seed,
    )


def figures(
    store: FeatureStore,
    windows: LabelledWindows,
    detector: EventDetector,
    mix: tuple[Samples, list[tuple[float, float]]],
) -> Row:
    """Return the figures of a detector but the training time, in the order of the columns."""
    [stretches], [one] = score_part(store, windows, "test", detector), detector.classes
    labels = np.concatenate([stretch.labels for stretch in stretches])
    scores = np.concatenate([stretch.scores for stretch in stretches])
    auc = window_figures(labels, scores, one.threshold).auc or 0.0
    dense = event_figures(stretches, one, TOLERANCE)
    samples, truth = mix
    mixed = detector.scores(detector.feature.extract(samples))[:, 0]
    # Figures of events need no labels of windows.
    whole = Stretch("mix", 0.0, len(samples) / RATE, np.zeros_like(mixed), mixed, truth)
    sparse = event_figures([whole], one, TOLERANCE)
    return (
        auc,
        dense.f1,
        dense.false_per_hour,
        sparse.f1,
        sparse.false_per_hour,
        dense.delay or 0.0,
    )


def line(name: str, seed: str, size: int, network: str, row: Row) -> str:
    """Return a row of the table."""
    auc, *rest = row
    return f"{name:<10}{seed:>4}{size:>7}  {network:<8}{auc:>11.4f}" + "".join(
        f"{value:>11.3f}" for value in rest
    )


def read(archive: Path, clips: list[Clip]) -> dict[str, Samples]:
    """Decode the recordings of an archive."""
    with open_archive(archive) as opened:
        return {
            name: load(content, sample_rate=RATE)[0]
            for name, content in opened.stream([c.path for c in clips])
            if isinstance(content, bytes)
        }


def sparse_mix(
    recordings: list[Samples], events: list[list[tuple[float, float]]], minutes: float, seed: int
) -> tuple[Samples, list[tuple[float, float]]]:
    """Return a long sound with rare events, and where they are.

    Between the events is background: pieces of one recording that lie between its events, joined
    with short fades. An event keeps the background it was recorded with.
    """
    rng = np.random.default_rng(seed)
    parts: list[Samples] = []
    truth: list[tuple[float, float]] = []
    total = 0
    while total < minutes * 60 * RATE:
        which = int(rng.integers(len(recordings)))
        samples, mine = recordings[which], events[which]
        gaps = [samples[round(a * RATE) : round(b * RATE)] for (_, a), (b, _) in pairwise(mine)]
        wanted, length = rng.uniform(30, 60) * RATE, 0
        while length < wanted:
            piece = gaps[int(rng.integers(len(gaps)))]
            parts.append(piece)
            length += len(piece)
        start, end = mine[int(rng.integers(len(mine)))]
        total += length
        truth.append((total / RATE, total / RATE + end - start))
        parts.append(samples[round(start * RATE) : round(end * RATE)])
        total += len(parts[-1])
    return joined(parts), truth


def joined(parts: list[Samples]) -> Samples:
    """Return sounds end to end.

    Each is faded in over the mirrored end of the one before, so that there is no click.
    """
    fade = round(FADE * RATE)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    out = [parts[0]]
    for before, part in pairwise(parts):
        mixed = part.copy()
        mixed[:fade] = ramp * part[:fade] + (1 - ramp) * before[-fade:][::-1]
        out.append(mixed)
    return np.concatenate(out)


if __name__ == "__main__":
    main()
