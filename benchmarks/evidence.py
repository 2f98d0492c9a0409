"""Measure whether the marked places of anomalous clips are those that made their score.

The 10 % of places with the highest evidence are replaced by what is usual for the machine: its
normal spectrum at the level of the clip, with no more than the usual fluctuation. Printed is the
median over the anomalous clips that the detector finds of how much the score falls, and the same
for other 10 % of the places: each further tenth by evidence, the loudest, those that deviate most
from the mean normal frame (the map of the first version), places at random, bands at random, and a
tenth of the time at random. Last, the fraction of normal clips that are marked anywhere.

    python benchmarks/evidence.py ARCHIVE simulated/fan --seeds 3
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.download.fetch import fetch
from stethoscope.datasets.layouts import index
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.load import load_scorer
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.pooled.score import PooledScorer
from stethoscope.detection.report.contributions import smooth
from stethoscope.detection.scores import read_scores
from stethoscope.detection.thresholds import Thresholds
from stethoscope.detection.train import train_detector
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json
from stethoscope.machines import split_key
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel

SHARE = 0.1
MARKED = "marked"
Mask = npt.NDArray[np.bool_]


def main() -> None:
    """Print a line per set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", help="archives, or names such as simulated/fan")
    parser.add_argument("--seeds", type=int, default=1, help="of simulated sets (default: 1)")
    parser.add_argument("--clips", type=int, default=60, help="most clips of a set (default: 60)")
    options = parser.parse_args()
    for name in options.sets:
        for seed in range(options.seeds if name.startswith("simulated/") else 1):
            with tempfile.TemporaryDirectory() as folder:
                figures = measure(Path(folder), name, seed, options.clips)
            print(f"{name}, seed {seed}: {figures}", flush=True)


def measure(folder: Path, address: str, seed: int, most: int) -> str:
    """Return the figures of a set as text."""
    archives = [one.path for one in fetch(address, folder / "download", seed=seed)]
    store = extract_features(archives, index(archives), LogMel(), folder / "store")
    train_detector(store, PooledGmm(), folder / "model", validation_split=0.1, seed=0)
    evaluate_detector(folder / "store", folder / "model", folder / "results")
    scored = read_scores(folder / "results/scores.csv")
    place = {clip.path: number for number, clip in enumerate(store.clips)}
    found = [clip for clip in scored if clip.condition == "anomaly" and clip.decision][:most]
    scorer = load_scorer(folder / "model")
    assert isinstance(scorer, PooledScorer)
    rng = np.random.default_rng(0)
    falls: dict[str, list[float]] = {}
    for clip in found:
        frames = np.array(store.clip_frames(place[clip.path]))
        usual, deviation = made_usual(scorer, frames, clip.machine)
        evidence = scorer.evidence(frames, clip.machine)
        shown = smooth(evidence.values, frames=7, bands=3)
        for name, mask in masks(shown, frames, deviation, rng):
            without = scorer.score(np.where(mask, usual, frames), clip.machine)
            falls.setdefault(name, []).append(evidence.score - without)
    medians = {name: median(values) for name, values in falls.items()}
    marked = medians.pop(MARKED)
    best = max(medians, key=medians.__getitem__)
    others = ", ".join(f"{name} {value:.2f}" for name, value in medians.items())
    normal = share_of_marked_normals(store, scorer, folder, most)
    return (
        f"{len(found)} clips, marked {marked:.2f}, highest of the others {medians[best]:.2f} "
        f"({best}); {others}; normal clips that are marked: {normal}"
    )


def made_usual(scorer: PooledScorer, frames: Frames, machine: str) -> tuple[Frames, Frames]:
    """Return a clip made usual, and its squared deviation from the mean normal frame."""
    machine_type, machine_id = split_key(machine)
    model = scorer.models[machine_type]
    number = model.ids.index(machine_id)
    mean, variance = model.spectra.mean[number], model.spectra.variance[number]
    deviation = ((frames - mean) ** 2 / np.maximum(variance, 1.0)).astype(np.float32)
    return model.spectra.as_usual(frames, number), deviation


def masks(
    evidence: npt.NDArray[np.floating], frames: Frames, deviation: Frames, rng: np.random.Generator
) -> Iterator[tuple[str, Mask]]:
    """Yield sets of a tenth of the places of a clip, by name."""
    order = np.argsort(-evidence, axis=None, kind="stable")
    for tenth, places in enumerate(np.array_split(order, round(1 / SHARE))):
        mask = np.zeros(evidence.size, dtype=bool)
        mask[places] = True
        yield (f"tenth {tenth + 1}" if tenth else MARKED), mask.reshape(evidence.shape)
    yield "loudest", highest(frames)
    yield "most deviating", highest(deviation)
    yield "random", rng.random(frames.shape) < SHARE
    for name, axis in (("time", 0), ("bands", 1)):
        width = round(SHARE * frames.shape[axis])
        first = int(rng.integers(frames.shape[axis] - width))
        mask = np.zeros(frames.shape, dtype=bool)
        mask[(slice(None),) * axis + (slice(first, first + width),)] = True
        yield name, mask


def highest(values: Frames) -> Mask:
    """Return the tenth of the places with the highest values."""
    return values >= np.quantile(values, 1 - SHARE)


def share_of_marked_normals(
    store: FeatureStore, scorer: PooledScorer, folder: Path, most: int
) -> str:
    """Return how many normal test clips are marked anywhere, and how many are false alarms."""
    thresholds = Thresholds.from_json(read_json(folder / "results/thresholds.json"))
    place = {clip.path: number for number, clip in enumerate(store.clips)}
    scored = read_scores(folder / "results/scores.csv")
    normal = [clip for clip in scored if clip.condition == "normal"][:most]
    marked = 0
    for clip in normal:
        evidence = scorer.evidence(np.array(store.clip_frames(place[clip.path])), clip.machine)
        unit = thresholds.unit(clip.machine)
        marked += bool(evidence.above(thresholds.threshold(clip.machine), unit).any())
    alarms = sum(clip.decision for clip in normal)
    return f"{marked} of {len(normal)} ({alarms} false alarms)"


if __name__ == "__main__":
    main()
