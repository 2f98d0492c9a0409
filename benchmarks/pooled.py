"""What the default detector costs: a score by its parts, evidence, and training on all processors.

    python benchmarks/pooled.py
    python benchmarks/pooled.py --clips 1000

The clips are simulated, of 10 s. Times of a score are milliseconds of processor time of one thread,
the least of several rounds; beside them is their ratio to the transform of the same clip to a
log-mel spectrogram. Training is measured with one thread and with one per processor: wall-clock
time, processor time, and their ratio. It says nothing while other programs run.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.clip import simulate_clip
from stethoscope.detection.load import load_scorer
from stethoscope.detection.pooled.courses import Courses
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.pooled.pooling import MIN_FRAMES, Pooling, rhythm_heights
from stethoscope.detection.pooled.score import PooledScorer
from stethoscope.detection.train import train_detector
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.resources import keep_freed_memory, processors
from stethoscope.sound.logmel import LogMel

_ROUNDS, _CALLS = 7, 30


def milliseconds(function: Callable[[], object]) -> float:
    """Return the processor time of a call, the least of several rounds."""
    rounds = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        for _ in range(_CALLS):
            function()
        rounds.append((time.process_time() - began) / _CALLS)
    return 1e3 * min(rounds)


def parts_of_a_score(scorer: PooledScorer) -> None:
    """Print what scoring a clip costs, part by part."""
    feature = LogMel(sample_rate=16_000)
    samples = simulate_clip(machine="fan", index=7)
    frames = feature.extract(samples)
    rate = feature.sample_rate / feature.hop_length
    pooling, model = Pooling(), scorer.models["fan"]
    clip = Courses.of(frames, rate, pooling.bands)
    coarse, views = clip.coarse - clip.coarse.mean(), pooling.pool(clip)
    transform = milliseconds(lambda: feature.extract(samples))
    # A copy of the clip: the powers of its bands, once computed, are kept.
    rows: list[tuple[str, Callable[[], object]]] = [
        ("bands and their spectrum", lambda: Courses.of(frames, rate, pooling.bands)),
        ("view mean", lambda: pooling._means(coarse, rate)),
        ("view events", lambda: pooling._events(coarse, rate)),
        ("view modulation", lambda: pooling._modulation(replace(clip))),
        (
            "view rhythm",
            lambda: rhythm_heights(replace(clip), pooling.lowest_hz, pooling.per_octave),
        ),
        ("all five views", lambda: pooling(frames, rate)),
        ("distances in the five views", lambda: model._score_as(views, pooling, 0)),
        ("score, without the transform", lambda: scorer.score(frames, "fan/00")),
        ("evidence", lambda: scorer.evidence(frames, "fan/00")),
    ]
    print(f"\n{'of a clip of 10 s':32}  {'ms':>6}  of the transform")
    print(f"{'transform to log-mel':32}  {transform:6.2f}  {1:8.2f}")
    for name, function in rows:
        took = milliseconds(function)
        print(f"{name:32}  {took:6.2f}  {took / transform:8.2f}")


def train(store: FeatureStore, folder: Path, workers: int) -> None:
    """Print what training costs with so many threads."""
    with patch("stethoscope.parallel.processors", lambda: workers):
        wall, processor = time.perf_counter(), time.process_time()
        train_detector(store, PooledGmm(), folder, validation_split=0.1, seed=0)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    clips = len(store.where(lambda clip: clip.split == "train"))
    print(
        f"training with {workers} threads: {clips / wall:.0f} clips per second, {wall:.1f} s, "
        f"{processor:.1f} s of processor time, {processor / wall:.2f} processors busy"
    )


def main() -> None:
    """Make the clips, train, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=400, help="training clips (default: 400)")
    options = parser.parse_args()
    keep_freed_memory()
    print(f"{processors()} processors, load {os.getloadavg()[0]:.1f}, numpy {np.__version__}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_archive(
            folder / "fan.zip", machine="fan", ids=4, train_clips=options.clips // 4, test_anomaly=1
        )
        store = extract_features(
            [folder / "fan.zip"],
            index([folder / "fan.zip"]),
            LogMel(),
            folder / "store",
            min_frames=MIN_FRAMES,
        )
        for workers in dict.fromkeys((1, processors())):
            train(store, folder / "model", workers)
        scorer = load_scorer(folder / "model")
        assert isinstance(scorer, PooledScorer)
        parts_of_a_score(scorer)


if __name__ == "__main__":
    main()
