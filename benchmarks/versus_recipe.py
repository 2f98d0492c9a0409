"""Speed and memory compared with the published recipe, on the same WAV files, in one run.

    python benchmarks/versus_recipe.py --clips 200
    python benchmarks/versus_recipe.py --clips 1000 3675 --memory-only

Every part runs in a process of its own, so that its memory, worker processes included, is measured
alone. Times are the median of `--repeat` rounds in which both sides take turns, because the machine
may be busy with other work. Memory is that of a run of its own, because measuring it takes
time; it includes an epoch of training. `training_speed.py` measures the speed of training.

"Features" are what each side makes of a folder before it trains: the recipe's context vectors in
memory, and this project's feature store on the disk, with what is measured of every clip. "Log-mel
alone" leaves both out: recordings are read, decoded and transformed, and nothing is kept. Each side
computes file by file; this project does so on all processors, as its step does.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from timing import Figure, Rounds, in_turns, pair, print_figures, run_measured, timed

SCORED = 60


def main() -> None:
    """Print the figures."""
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
        help="leave the reference out where its memory does not suffice",
    )
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.folder)))
        return
    for clips in options.clips:
        if not options.memory_only:
            print_figures(times(clips, options.repeat, options.sides))
        print_figures([memory(clips, options.sides)])


def figures(*, quick: bool) -> list[Figure]:
    """Return all figures; the memory of a thousand clips."""
    clips, rounds, many = (40, 1, 100) if quick else (200, 3, 1000)
    return [*times(clips, rounds), memory(many)]


def times(clips: int, rounds: int, sides: Sequence[str] = ("reference", "ours")) -> list[Figure]:
    """Return the times of features and scoring."""
    found = measured(clips, rounds, sides, memory_only=False)
    return [
        pair(found, "features", "features of a clip", "ms", "features", 1e3),
        pair(found, "logmel", "log-mel alone of a clip", "ms", "logmel", 1e3),
        pair(found, "scoring", "scoring a file", "ms", "scoring", 1e3),
    ]


def memory(clips: int, sides: Sequence[str] = ("reference", "ours")) -> Figure:
    """Return the peak memory."""
    found = measured(clips, 1, sides, memory_only=True)
    return pair(found, "memory", f"memory for {clips:,} clips", "MB", "megabytes")


def measured(clips: int, rounds: int, sides: Sequence[str], *, memory_only: bool) -> Rounds:
    """Measure both sides on simulated clips of ten seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_folder(Path(scratch), clips)
        return in_turns(
            {side: functools.partial(measure, side, folder, memory_only) for side in sides}, rounds
        )


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
    """Run one part in a process of its own; return its times, or its peak memory."""
    command = [sys.executable, __file__, "--part", part, "--folder", str(folder)]
    if memory_only:
        return run_measured(command, stdout=subprocess.DEVNULL)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def recipe(folder: Path) -> dict[str, float]:
    """Measure the published recipe: features into memory, an epoch of training, and scoring."""
    import keras
    import recipe as published

    paths = sorted(folder.rglob("*.wav"))
    published.file_to_vectors(paths[0])
    features, data = timed(lambda: published.files_to_vectors(paths))
    log_mel, _ = timed(lambda: exhaust(map(published.file_to_log_mel, paths)))
    model = published.build()
    keras.utils.set_random_seed(0)

    model.fit(data, data, epochs=1, batch_size=512, shuffle=True, validation_split=0.1, verbose=0)
    published.score(model, paths[0])
    scoring, _ = timed(lambda: [published.score(model, path) for path in paths[:SCORED]])
    return {
        "features": features / len(paths),
        "logmel": log_mel / len(paths),
        "scoring": scoring / len(paths[:SCORED]),
    }


def ours(folder: Path) -> dict[str, float]:
    """Measure this project: feature store, windows gathered by index, the exported network."""
    from stethoscope.datasets.layouts import index
    from stethoscope.detection.autoencoder.fit import Autoencoder
    from stethoscope.detection.load import load_scorer
    from stethoscope.detection.options import FitOptions
    from stethoscope.detection.train import train_detector
    from stethoscope.features.extract import extract_features
    from stethoscope.parallel import map_in_order
    from stethoscope.resources import keep_freed_memory
    from stethoscope.sound.audio import load
    from stethoscope.sound.logmel import LogMel

    keep_freed_memory()  # as every step of a run
    with tempfile.TemporaryDirectory() as scratch:
        clips = index([folder])
        extract_features([folder], clips[:2], LogMel(), Path(scratch) / "warm")
        features, store = timed(
            lambda: extract_features([folder], clips, LogMel(), Path(scratch) / "store")
        )

        paths = sorted(folder.rglob("*.wav"))
        feature = store.feature

        def transform(path: Path) -> object:
            return feature.extract(load(path, sample_rate=feature.sample_rate)[0])

        log_mel, _ = timed(lambda: exhaust(map_in_order(transform, paths)))

        detector = Autoencoder(fit_options=FitOptions(epochs=1, verbose=0))
        train_detector(store, detector, Path(scratch) / "model", validation_split=0.1, seed=0)
        scorer = load_scorer(Path(scratch) / "model")

        def score(path: Path) -> float:
            samples, _ = load(path, sample_rate=scorer.feature.sample_rate)
            return scorer.score(scorer.feature.extract(samples), "fan/00")

        score(paths[0])
        scoring, _ = timed(lambda: [score(path) for path in paths[:SCORED]])
    return {
        "features": features / len(clips),
        "logmel": log_mel / len(paths),
        "scoring": scoring / len(paths[:SCORED]),
    }


def exhaust(results: Iterable[object]) -> None:
    """Take all results, and keep none."""
    for _ in results:
        pass


PARTS = {"reference": recipe, "ours": ours}


if __name__ == "__main__":
    main()
