"""How well faults are found and recognised where nobody has labelled them: simulated fans with
three faults and four machine ids.

A third of all recordings is kept out of everything, grouping included. The rest is grouped and
learned with the pipeline's defaults; a group gets the fault that most of its three typical clips
have, as somebody who listens to them would name it. Then the diagnosis is asked about the
recordings that it has never met: how many of each true fault are named rightly, by the likeliest
fault, and by the likeliest of normal and all faults; and how many normal ones are called normal.
Last, a diagnosis learned without one machine id is asked about that machine's anomalous recordings.

    python benchmarks/diagnosis.py --snrs 6 0 --seeds 4
"""

import argparse
import csv
import io
import tempfile
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
from sklearn.metrics import adjusted_rand_score

from stethoscope.classification.options import ClassFit
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.faults import FAULTS
from stethoscope.diagnosis.grouping import group_faults
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.model import NORMAL, Diagnosis
from stethoscope.diagnosis.options import FAULT_FIT, FaultOptions
from stethoscope.diagnosis.train import train_diagnosis
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.mfcc import Mfcc

COLUMNS = ("ARI plain", "ARI default", "fault", "fault or normal", "normal", "other machine")


def main() -> None:
    """Print a line per set and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--snrs", nargs="+", type=float, default=[6.0, 0.0], help="in dB (default: 6 0)"
    )
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument(
        "--clips", type=int, default=24, help="of each machine, normal and anomalous (default: 24)"
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    for snr_db in options.snrs:
        rows = []
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                figures, groups = measure(
                    Path(folder), snr_db, seed, options.clips, options.seconds
                )
                seconds = time.perf_counter() - started
            rows.append(figures)
            print(
                f"{snr_db:+g} dB, seed {seed}: {line(figures)}  ({groups} groups chosen, {seconds:.0f} s)",
                flush=True,
            )
        print(
            f"{snr_db:+g} dB, mean:   {line([fmean(column) for column in zip(*rows, strict=True)])}",
            flush=True,
        )


def line(figures: Sequence[float]) -> str:
    """Return the figures by name."""
    return "  ".join(f"{name} {value:.3f}" for name, value in zip(COLUMNS, figures, strict=True))


def measure(
    folder: Path, snr_db: float, seed: int, clips: int, seconds: float
) -> tuple[list[float], int]:
    """Return the figures of one simulated set, and how many groups were chosen."""
    path = folder / "fan.zip"
    simulate_archive(
        path,
        machine="fan",
        seed=seed,
        snr_db=snr_db,
        ids=4,
        train_clips=clips,
        test_normal=0,
        test_anomaly=clips,
        seconds=seconds,
    )
    with zipfile.ZipFile(path) as archive:
        truth = {
            row["path"]: row["fault"]
            for row in csv.DictReader(io.StringIO(archive.read("fan/faults.csv").decode()))
        }
    store = extract_features([path], index([path]), Mfcc(), folder / "store")
    rand = []
    for description in ("plain", "deviation"):
        found = group_faults(store, FaultOptions(groups=len(FAULTS), description=description))
        rand.append(
            float(
                adjusted_rand_score(
                    [truth[one.path] for one in found.clips], [one.group for one in found.clips]
                )
            )
        )

    unheard = kept_out(store.clips, truth, seed)
    known = replace(
        store,
        clips=[
            replace(clip, condition="unknown") if clip.recording in unheard else clip
            for clip in store.clips
        ],
    )
    groups = group_faults(known, FaultOptions(seed=seed))
    train_diagnosis(known, groups, default_fit(seed), folder / "model")
    figures = recognised(
        store,
        truth,
        groups,
        Diagnosis.open(folder / "model"),
        [clip.recording in unheard for clip in store.clips],
    )
    other = max(clip.machine_id for clip in store.clips)
    train_diagnosis(known, groups, default_fit(seed), folder / "other", holdout_id=other)
    elsewhere = recognised(
        store,
        truth,
        groups,
        Diagnosis.open(folder / "other"),
        [clip.machine_id == other for clip in store.clips],
    )
    return [*rand, *figures, elsewhere[0]], len(groups.names)


def kept_out(clips: Sequence[Clip], truth: dict[str, str], seed: int) -> set[str]:
    """Return a third of the recordings, of normal ones and of every fault."""
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for clip in clips:
        kinds[truth.get(clip.path) or NORMAL].add(clip.recording)
    rng = np.random.default_rng(seed)
    return {
        str(name)
        for kind in sorted(kinds)
        for name in rng.permutation(sorted(kinds[kind]))[: len(kinds[kind]) // 3]
    }


def default_fit(seed: int) -> ClassFit:
    """Return how the pipeline trains by default."""
    return replace(FAULT_FIT.of({"seed": seed}), verbose=0)


def recognised(
    store: FeatureStore,
    truth: dict[str, str],
    groups: FaultGroups,
    diagnosis: Diagnosis,
    asked: Sequence[bool],
) -> list[float]:
    """Return balanced accuracies of the true faults, by the likeliest fault and by the likeliest
    class, and the share of normal ones.
    """
    names = {NORMAL: NORMAL}
    for number, label in enumerate(groups.labels, start=1):
        names[label] = Counter(truth[clip.path] for clip in groups.typical(number)).most_common(1)[
            0
        ][0]
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for place, clip in enumerate(store.clips):
        if asked[place]:
            true = truth.get(clip.path) or NORMAL
            chances = diagnosis.probabilities(store.clip_frames(place), clip.machine)
            right["class", true].append(names[diagnosis.labels[int(chances.argmax())]] == true)
            right["fault", true].append(names[diagnosis.likeliest_fault(chances)] == true)
    balanced = [fmean(fmean(right[kind, fault]) for fault in FAULTS) for kind in ("fault", "class")]
    return [*balanced, fmean(right["class", NORMAL])]


if __name__ == "__main__":
    main()
