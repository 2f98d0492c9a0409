"""Speed and memory compared with the published recipe, on the same WAV files, in one run.

    python benchmarks/versus_recipe.py --clips 200
    python benchmarks/versus_recipe.py --clips 1000 3675 --memory-only

Every part runs in a process of its own, so that its peak resident memory, worker processes
included, is measured alone. Times are the median of `--repeat` rounds in which both sides take
turns, because the machine may be busy with other work.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

EPOCHS = 10
SCORED = 60


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, nargs="+", default=[200])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory-only", action="store_true")
    parser.add_argument(
        "--sides",
        nargs="+",
        choices=PARTS,
        default=list(PARTS),
        help="leave the recipe out where its memory does not suffice",
    )
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.folder, options.memory_only)))
        return
    for clips in options.clips:
        with tempfile.TemporaryDirectory() as scratch:
            folder = make_folder(Path(scratch), clips)
            rounds = [
                {part: measure(part, folder, options.memory_only) for part in options.sides}
                for _ in range(1 if options.memory_only else options.repeat)
            ]
        report(clips, rounds, options.memory_only)


def make_folder(scratch: Path, clips: int) -> Path:
    """Simulate ten-second clips and unpack them to WAV files."""
    from stethoscope.datasets.simulator.archive import simulate_archive

    archive = scratch / "fan.zip"
    simulate_archive(
        archive, machine="fan", ids=1, train_clips=clips, test_normal=0, test_anomaly=0
    )
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(scratch / "set")
    archive.unlink()
    return scratch / "set"


def measure(part: str, folder: Path, memory_only: bool) -> dict[str, float]:
    """Run one part in a process of its own and measure its memory and that of its workers."""
    command = [
        sys.executable,
        __file__,
        "--part",
        part,
        "--folder",
        str(folder),
        *(["--memory-only"] if memory_only else []),
    ]
    peak = 0
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen(command, stdout=output) as process,
    ):
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(0.05)
        output.seek(0)
        result: dict[str, float] = json.loads(output.read().splitlines()[-1])
    return {**result, "megabytes": peak / 1e6}


def resident(pid: int) -> int:
    """Return the resident memory of a process and its descendants, in bytes."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total


def recipe(folder: Path, memory_only: bool) -> dict[str, float]:
    """Measure the published recipe: features into memory, training, scoring."""
    import keras
    import recipe as published

    paths = sorted(folder.rglob("*.wav"))
    published.file_to_vectors(paths[0])
    features, data = timed(lambda: published.files_to_vectors(paths))
    model = published.build()
    keras.utils.set_random_seed(0)

    def fit(epochs: int) -> None:
        model.fit(
            data, data, epochs=epochs, batch_size=512, shuffle=True, validation_split=0.1, verbose=0
        )

    published.score(model, paths[0])
    training = per_epoch(fit, memory_only) / int(0.9 * len(data))
    scoring, _ = timed(lambda: [published.score(model, path) for path in paths[:SCORED]])
    return summary(len(paths), features, training, scoring / len(paths[:SCORED]))


def ours(folder: Path, memory_only: bool) -> dict[str, float]:
    """Measure this project: feature store, windows gathered by index, the exported network."""
    from stethoscope.datasets.layouts import index
    from stethoscope.detection.autoencoder.fit import Autoencoder
    from stethoscope.detection.load import load_scorer
    from stethoscope.detection.options import FitOptions
    from stethoscope.detection.train import train_detector
    from stethoscope.features.extract import extract_features
    from stethoscope.sound.audio import load
    from stethoscope.sound.logmel import LogMel

    with tempfile.TemporaryDirectory() as scratch:
        clips = index([folder])
        extract_features([folder], clips[:2], LogMel(), Path(scratch) / "warm")
        features, store = timed(
            lambda: extract_features([folder], clips, LogMel(), Path(scratch) / "store")
        )

        def fit(epochs: int) -> None:
            detector = Autoencoder(fit_options=FitOptions(epochs=epochs, verbose=0))
            train_detector(store, detector, Path(scratch) / "model", validation_split=0.1, seed=0)

        n_windows = int((store.n_frames - 4).sum())
        training = per_epoch(fit, memory_only) / (0.9 * n_windows)
        scorer = load_scorer(Path(scratch) / "model")

        def score(path: Path) -> float:
            samples, _ = load(path, sample_rate=scorer.feature.sample_rate)
            return scorer.score(scorer.feature.extract(samples), "fan/00")

        paths = sorted(folder.rglob("*.wav"))[:SCORED]
        score(paths[0])
        scoring, _ = timed(lambda: [score(path) for path in paths])
    return summary(len(clips), features, training, scoring / len(paths))


PARTS = {"recipe": recipe, "ours": ours}


def per_epoch(fit: Callable[[int], None], once_only: bool) -> float:
    """Return the duration of one epoch, in seconds, without building, compiling and saving.

    With `once_only` a single fit is made, as its memory is that of a real training, and its whole
    duration is returned.
    """
    first, _ = timed(lambda: fit(1))
    if once_only:
        return first
    # The first fit of a process also loads and traces.
    once, _ = timed(lambda: fit(1))
    more, _ = timed(lambda: fit(1 + EPOCHS))
    return (more - once) / EPOCHS


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long `work` took, in seconds, and what it returned."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def summary(clips: int, features: float, training: float, scoring: float) -> dict[str, float]:
    """Return the figures of one part."""
    return {"features": features / clips, "training": training, "scoring": scoring}


def report(clips: int, rounds: list[dict[str, dict[str, float]]], memory_only: bool) -> None:
    """Print a table."""
    print(f"\n{clips} clips of 10 s, {os.cpu_count()} processors\n")
    print(" " * 28 + "".join(f"{part:>12}" for part in rounds[0]))
    rows = [
        ("features, ms per clip", "features", 1e3),
        ("training, us per vector", "training", 1e6),
        ("scoring, ms per clip", "scoring", 1e3),
    ]
    for label, key, scale in [
        *([] if memory_only else rows),
        ("peak memory, MB", "megabytes", 1.0),
    ]:
        typical = [
            statistics.median(one[part][key] for one in rounds) * scale for part in rounds[0]
        ]
        ratio = f"{typical[0] / typical[-1]:>9.1f}x" if len(typical) > 1 else ""
        print(f"{label:<28}" + "".join(f"{value:>12.2f}" for value in typical) + ratio)


if __name__ == "__main__":
    main()
