"""How well every detector detects, and what it costs.

    python benchmarks/detectors.py --all ARCHIVE... --seeds 5
    python benchmarks/detectors.py dev_data_caridle.zip simulated/fan --seeds 5
    python benchmarks/detectors.py --cost 1000

The first command runs the detectors over all sets: the given ones, and every simulated machine at 0
and -6 dB. Without --all, it runs them over the given ones alone. It prints AUC and pAUC, means
over machine ids, then mean and standard deviation over seeds, with the bootstrap interval of the
first seed; and the fractions of normal test clips above the threshold for one in ten, and of
anomalous ones, means over ids and seeds. The last rows are means over the sets. Simulated machines
are also drawn anew with every seed.

The last command fits every detector to clips of 10 s and scores them, each detector in a process
of its own, and prints time and peak memory. The frames are random, because the time does not depend
on their values. Processor time is that of all threads together; it can be compared even if the
computer is busy with other work.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from timing import Figure, in_turns, pair

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.machine import MACHINES
from stethoscope.detection.detector import make_detector
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.metrics import Summary
from stethoscope.detection.normal_scores import score_clips
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.registry import DETECTORS
from stethoscope.detection.train import train_detector
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.sound.logmel import LogMel

SIMULATED = [f"simulated/{machine}{query}" for query in ("", "?snr_db=-6") for machine in MACHINES]
"""Simulated sets that the detectors are compared on."""


def store_of(source: str, seed: int, feature: LogMel, folder: Path) -> FeatureStore:
    """Return the feature store of an archive, or of a machine simulated with `seed`."""
    features = folder / f"{source.replace('/', '_')}-{seed}-{feature.kind}"
    if not features.exists():
        archive = Path(source)
        if source.startswith("simulated/"):
            machine, _, query = source.removeprefix("simulated/").partition("?")
            archive = folder / f"{machine}.zip"
            simulate_archive(
                archive,
                machine=machine,
                seed=seed,
                snr_db=float(dict(parse_qsl(query)).get("snr_db", 0)),
            )
        extract_features([archive], index([archive]), feature, features, min_frames=5)
    return FeatureStore.open(features)


def measure(
    features: Path, options: DetectorOptions, fit: FitOptions, folder: Path
) -> tuple[Summary, float]:
    """Fit and evaluate a detector; return figures and seconds of the fit."""
    detector = make_detector(options, fit)
    training = train_detector(
        FeatureStore.open(features),
        detector,
        folder / "model",
        validation_split=fit.validation_split,
        seed=fit.seed,
    )
    return evaluate_detector(
        features, folder / "model", folder / "results", seed=fit.seed
    ).overall, training.seconds


def made_up_store(n_clips: int, feature: LogMel, folder: Path) -> FeatureStore:
    """Return a store of random clips of 10 s of four machines."""
    rng = np.random.default_rng(0)
    with FeatureWriter(folder) as writer:
        for number in range(n_clips):
            name = f"{number}.wav"
            clip = Clip(
                path=name,
                recording=name,
                machine_type="fan",
                machine_id=f"{number % 4:02}",
                source="made-up",
                split="train",
                condition="normal",
            )
            frames = rng.standard_normal(
                (feature.n_frames(160_000), feature.size), dtype=np.float32
            )
            frames[:, : feature.n_mels] += number % 4 - 6
            writer.add(clip, 5 * frames)
        writer.finish(feature)
    return FeatureStore.open(folder)


def cost(
    features: Path,
    name: str,
    epochs: int,
    results: "multiprocessing.SimpleQueue[tuple[float, ...]]",
) -> None:
    """Put what a row of the table says into a queue."""
    fit = FitOptions(epochs=epochs, verbose=0)
    store = FeatureStore.open(features)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        detector = make_detector(DetectorOptions(name=name, epochs=min(epochs, 16)), fit)
        before = time.process_time()
        training = train_detector(store, detector, model, validation_split=0.1, seed=0)
        processor = time.process_time() - before
        clips = np.arange(min(100, len(store.clips)))
        before = time.process_time()
        score_clips(model, store, clips)
        scoring = time.process_time() - before
    results.put(
        (
            training.seconds,
            processor,
            1000 * scoring / len(clips),
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )
    )


def costs(features: Path, name: str, epochs: int) -> dict[str, float]:
    """Return time to fit, processor time to fit and to score a clip, and peak memory."""
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    process = context.Process(target=cost, args=(features, name, epochs, results))
    process.start()
    seconds, processor, milliseconds, megabytes = results.get()
    process.join()
    return {
        "seconds": seconds,
        "processor": processor,
        "milliseconds": milliseconds,
        "megabytes": megabytes,
    }


def figures(*, quick: bool) -> list[Figure]:
    """Return what the default detector costs."""
    n_clips, rounds = (100, 1) if quick else (1000, 3)
    name = DetectorOptions().name
    with tempfile.TemporaryDirectory() as folder:
        features = Path(folder) / "features"
        made_up_store(n_clips, LogMel(sample_rate=16_000), features)
        found = in_turns({"ours": lambda: costs(features, name, 1)}, rounds)
    clips = f"{n_clips:,} clips"
    return [
        pair(found, "fit", f"fit {name} to {clips}, processor time", "s", "processor"),
        pair(found, "score", f"score a clip by {name}", "ms", "milliseconds"),
        pair(found, "fit.memory", f"fit {name} to {clips}, memory", "MB", "megabytes"),
    ]


def print_costs(detectors: Sequence[str], n_clips: int, epochs: int) -> None:
    """Print the table of costs."""
    print(f"\n{n_clips} clips of 10 s, {epochs} epochs at most\n")
    print(
        "| detector | fit, s | fit and export, processor s "
        "| score, processor ms per clip | peak memory, MB |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in detectors:
            feature = DetectorOptions(name=name).feature(LogMel(sample_rate=16_000))
            features = Path(folder) / feature.kind
            if not features.exists():
                made_up_store(n_clips, feature, features)
            found = costs(features, name, epochs)
            print(
                f"| {name} | {found['seconds']:.1f} | {found['processor']:.1f} "
                f"| {found['milliseconds']:.1f} | {found['megabytes']:.0f} |",
                flush=True,
            )


def print_quality(
    sources: Sequence[str], detectors: Sequence[str], fit: FitOptions, seeds: int
) -> None:
    """Print the table of figures, and means over the sets."""
    print(f"{fit.epochs} epochs of {fit.epoch_share:g} of the windows, {seeds} seed(s)\n")
    print(
        "| data | detector | AUC | 95 % interval | pAUC | 95 % interval | false alarms | found "
        "| fit, s |\n|---|---|---|---|---|---|---|---|---|"
    )
    means: dict[str, list[list[float]]] = {spec: [] for spec in detectors}
    with tempfile.TemporaryDirectory() as scratch:
        for source in sources:
            for spec in detectors:
                runs = measure_seeds(source, spec, fit, seeds, Path(scratch))
                means[spec].append(print_row(source, spec, runs))
    if len(sources) > 1:
        for spec, rows in means.items():
            auc, pauc, alarms, found = np.nanmean(rows, axis=0)
            print(
                f"| mean of {len(sources)} sets | {spec} | {auc:.3f} | | {pauc:.3f} | "
                f"| {alarms:.2f} | {found:.2f} | |"
            )


def measure_seeds(
    source: str, spec: str, fit: FitOptions, seeds: int, folder: Path
) -> list[tuple[Summary, float]]:
    """Fit and evaluate a detector, ``name`` or ``name:score``, with every seed."""
    name, _, score = spec.partition(":")
    runs = []
    for seed in range(seeds):
        with contextlib.redirect_stderr(io.StringIO()):
            options = DetectorOptions(name=name, score=score)
            drawn = seed if source.startswith("simulated/") else 0
            store = store_of(source, drawn, options.feature(LogMel()), folder)
            features = Path(str(store.frames.filename)).parent  # type: ignore[attr-defined]  # a memory map knows its file
            runs.append(measure(features, options, replace(fit, seed=seed), folder))
    return runs


def print_row(source: str, spec: str, runs: Sequence[tuple[Summary, float]]) -> list[float]:
    """Print the row of a set and a detector; return AUC, pAUC, false alarms and recall."""
    cells, means = [], []
    for figures in ([one.auc for one, _ in runs], [one.pauc for one, _ in runs]):
        values = [figure.value for figure in figures if figure.value is not None]
        means.append(float(np.mean(values)) if values else np.nan)
        spread = f" ± {np.std(values):.3f}" if len(runs) > 1 else ""
        low, high = figures[0].low, figures[0].high
        interval = "" if low is None or high is None else f"{low:.2f} to {high:.2f}"
        cells += [f"{means[-1]:.3f}{spread}", interval]
    machines = [machine for one, _ in runs for machine in one.machines]
    for shares in (
        [machine.false_alarm_rate.value for machine in machines],
        [machine.recall.value for machine in machines],
    ):
        known = [share for share in shares if share is not None]
        means.append(float(np.mean(known)) if known else np.nan)
        cells.append(f"{means[-1]:.2f}")
    seconds = np.mean([one for _, one in runs])
    print(f"| {Path(source).name} | {spec} | {' | '.join(cells)} | {seconds:.1f} |", flush=True)
    return means


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sources", nargs="*", metavar="SOURCE", help="archives, or simulated/<machine>[?snr_db=...]"
    )
    parser.add_argument(
        "--all", action="store_true", help="add every simulated machine at 0 and -6 dB"
    )
    parser.add_argument("--detectors", nargs="+", default=list(DETECTORS), metavar="NAME[:SCORE]")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument(
        "--epochs", type=int, default=100, help="of the autoencoder and interpolation"
    )
    parser.add_argument(
        "--epoch-share", type=float, default=1.0, help="share of the windows that an epoch takes"
    )
    parser.add_argument(
        "--cost", type=int, metavar="CLIPS", help="measure time and memory on so many clips"
    )
    arguments = parser.parse_args()
    fit = FitOptions(epochs=arguments.epochs, epoch_share=arguments.epoch_share, verbose=0)
    if arguments.cost:
        print_costs(arguments.detectors, arguments.cost, arguments.epochs)
    sources = [*arguments.sources, *(SIMULATED if arguments.all else ())]
    if sources:
        print_quality(sources, arguments.detectors, fit, arguments.seeds)


if __name__ == "__main__":
    main()
