"""Measure how well unlabelled faults of simulated fans are grouped and recognised.

There are three faults and four machine ids. A third of all recordings takes no part in grouping and
training. The rest is grouped and trained on with the pipeline's defaults; a group is named after
the fault that most of its three typical clips have, as a listener would name it. Then the diagnosis
is tested on the third that was kept: the fraction of each true fault that is recognised, by the
likeliest fault and by the likeliest of normal and all faults, and the fraction of normal clips that
are classified as normal. Last, a diagnosis trained without one machine id is tested on the
anomalous recordings of that machine.

    python benchmarks/diagnosis.py --snrs 6 0 --seeds 4
"""

import argparse
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import get_args

import numpy as np
from fault_groups import agreement, simulated_fans

from stethoscope.classification.options import ClassFit
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.simulator.faults import FAULTS
from stethoscope.diagnosis.grouping import group_faults
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.model import NORMAL, Diagnosis
from stethoscope.diagnosis.options import FAULT_FIT, Description, FaultOptions
from stethoscope.diagnosis.train import train_diagnosis
from stethoscope.features.store import FeatureStore

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
            chosen = f"({groups} groups chosen, {seconds:.0f} s)"
            print(f"{snr_db:+g} dB, seed {seed}: {line(figures)}  {chosen}", flush=True)
        means = [fmean(column) for column in zip(*rows, strict=True)]
        print(f"{snr_db:+g} dB, mean:   {line(means)}", flush=True)


def line(figures: Sequence[float]) -> str:
    """Return the figures by name."""
    return "  ".join(f"{name} {value:.3f}" for name, value in zip(COLUMNS, figures, strict=True))


def measure(
    folder: Path, snr_db: float, seed: int, clips: int, seconds: float
) -> tuple[list[float], int]:
    """Return the figures of one simulated set, and how many groups were chosen."""
    store, truth = simulated_fans(folder, snr_db=snr_db, seed=seed, clips=clips, seconds=seconds)
    rand = [
        agreement(
            group_faults(store, FaultOptions(groups=len(FAULTS), description=description)), truth
        )
        for description in get_args(Description)[::-1]
    ]
    kept = keep_for_test(store.clips, truth, seed)
    known = replace(
        store,
        clips=[
            replace(clip, condition="unknown") if clip.recording in kept else clip
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
        [clip.recording in kept for clip in store.clips],
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


def keep_for_test(clips: Sequence[Clip], truth: dict[str, str], seed: int) -> set[str]:
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
    """Return the training of the pipeline by default."""
    return replace(FAULT_FIT.of({"seed": seed}), verbose=0)


def recognised(
    store: FeatureStore,
    truth: dict[str, str],
    groups: FaultGroups,
    diagnosis: Diagnosis,
    tested: Sequence[bool],
) -> list[float]:
    """Return figures of a diagnosis on the clips that are tested.

    They are the balanced accuracy over the true faults by the likeliest fault, the same by the
    likeliest class, and the fraction of normal clips that are classified as normal.
    """
    names = {NORMAL: NORMAL}
    for number, label in enumerate(groups.labels, start=1):
        faults = Counter(truth[clip.path] for clip in groups.typical(number))
        names[label] = faults.most_common(1)[0][0]
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for place, clip in enumerate(store.clips):
        if tested[place]:
            true = truth.get(clip.path) or NORMAL
            chances = diagnosis.probabilities(store.clip_frames(place), clip.machine)
            right["class", true].append(names[diagnosis.labels[int(chances.argmax())]] == true)
            right["fault", true].append(names[diagnosis.likeliest_fault(chances)] == true)
    balanced = [fmean(fmean(right[kind, fault]) for fault in FAULTS) for kind in ("fault", "class")]
    return [*balanced, fmean(right["class", NORMAL])]


if __name__ == "__main__":
    main()
