"""Measure how many recordings of a fault that was never recorded are called unknown.

There are three faults and four machine ids. One fault at a time is left out: the other two are
grouped and trained on with the pipeline's defaults, without a third of their recordings. Verdicts
are then given as in use: the detector decides first, and only what it finds is diagnosed. Printed
are the fraction of the left-out fault that is called "Unknown fault", the fraction of the kept
third of the known faults that is called so, and the fraction of the known faults whose true fault
is named, as means over the faults with the 95 % interval of the mean over seeds.

    python benchmarks/unknown_faults.py fan --snrs 6 0 --seeds 5
"""

import argparse
import csv
import io
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
from diagnosis import default_fit, keep_for_test

from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.faults import FAULTS
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.options import ThresholdOptions
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.scores import read_scores
from stethoscope.detection.train import train_detector
from stethoscope.diagnosis.grouping import group_faults
from stethoscope.diagnosis.model import UNKNOWN, Diagnosis
from stethoscope.diagnosis.options import FaultOptions
from stethoscope.diagnosis.train import train_diagnosis
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc

COLUMNS = ("left-out fault unknown", "known fault unknown", "known fault named")
_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365}
"""Quantiles of Student's distribution for a 95 % interval, by number of seeds."""


@dataclass(frozen=True)
class SimulatedFaults:
    """A simulated set.

    Attributes
    ----------
    store : FeatureStore
        Cepstra of all clips.
    truth : dict of str to str
        True fault of every anomalous clip, by path.
    found : set of str
        Paths of the anomalous clips that the detector finds.
    """

    store: FeatureStore
    truth: dict[str, str]
    found: set[str]


def main() -> None:
    """Print a line per set and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("machines", nargs="*", default=["fan"], help="types (default: fan)")
    parser.add_argument("--snrs", nargs="+", type=float, default=[6.0], help="in dB (default: 6)")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--clips", type=int, default=24, help="of each machine (default: 24)")
    options = parser.parse_args()
    for machine in options.machines:
        for snr_db in options.snrs:
            rows = []
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                with tempfile.TemporaryDirectory() as folder:
                    faults = simulate(Path(folder), machine, snr_db, seed, options.clips)
                    parts = [measure(Path(folder), faults, left, seed) for left in FAULTS]
                rows.append([fmean(column) for column in zip(*parts, strict=True)])
                print(f"{machine} {snr_db:+g} dB, seed {seed}: {line(rows[-1])}", flush=True)
            print(f"{machine} {snr_db:+g} dB, mean: {means(rows)}", flush=True)


def simulate(folder: Path, machine: str, snr_db: float, seed: int, clips: int) -> SimulatedFaults:
    """Simulate a set, and decide on it with the default detector."""
    path = folder / "set.zip"
    simulate_archive(
        path,
        machine=machine,
        seed=seed,
        snr_db=snr_db,
        ids=4,
        train_clips=clips,
        test_normal=clips // 2,
        test_anomaly=clips,
    )
    with zipfile.ZipFile(path) as archive:
        table = io.StringIO(archive.read(f"{machine}/faults.csv").decode())
    truth = {row["path"]: row["fault"] for row in csv.DictReader(table)}
    spectra = extract_features([path], index([path]), LogMel(), folder / "spectra")
    train_detector(spectra, PooledGmm(), folder / "detector", validation_split=0.1, seed=seed)
    evaluate_detector(folder / "spectra", folder / "detector", folder / "results")
    scored = read_scores(folder / "results/scores.csv")
    found = {clip.path for clip in scored if clip.decision and clip.path in truth}
    return SimulatedFaults(
        extract_features([path], index([path]), Mfcc(), folder / "cepstra"), truth, found
    )


def measure(folder: Path, faults: SimulatedFaults, left_out: str, seed: int) -> list[float]:
    """Return the figures of a diagnosis that was trained without one fault."""
    store, truth = faults.store, faults.truth
    kept = keep_for_test(store.clips, truth, seed)
    known = replace(
        store,
        clips=[
            replace(clip, condition="unknown")
            if clip.recording in kept or truth.get(clip.path) == left_out
            else clip
            for clip in store.clips
        ],
    )
    groups = group_faults(known, FaultOptions(seed=seed))
    train_diagnosis(known, groups, default_fit(seed), folder / left_out)
    diagnosis = Diagnosis.open(folder / left_out)
    names = {UNKNOWN: UNKNOWN}
    for number, label in enumerate(groups.labels, start=1):
        typical = Counter(truth[clip.path] for clip in groups.typical(number))
        names[label] = typical.most_common(1)[0][0]
    unknown: dict[bool, list[bool]] = {True: [], False: []}
    named = []
    for place, clip in enumerate(store.clips):
        true = truth.get(clip.path, "")
        if clip.path in faults.found and (true == left_out or clip.recording in kept):
            frames = store.clip_frames(place)
            rate = ThresholdOptions.false_alarm_rate
            answer = diagnosis.diagnose(frames, clip.machine, false_alarms=rate).fault
            unknown[true == left_out].append(answer == UNKNOWN)
            if true != left_out:
                named.append(names[answer] == true)
    return [fmean(unknown[True]), fmean(unknown[False]), fmean(named)]


def line(figures: Sequence[float]) -> str:
    """Return the figures by name."""
    return ", ".join(f"{name} {value:.3f}" for name, value in zip(COLUMNS, figures, strict=True))


def means(rows: Sequence[Sequence[float]]) -> str:
    """Return the means over seeds with their intervals."""
    texts = []
    for name, column in zip(COLUMNS, zip(*rows, strict=True), strict=True):
        half = 0.0
        if len(rows) > 1:
            half = _T.get(len(rows), 2.3) * stdev(column) / float(np.sqrt(len(rows)))
        texts.append(f"{name} {fmean(column):.3f} ± {half:.3f}")
    return ", ".join(texts)


if __name__ == "__main__":
    main()
