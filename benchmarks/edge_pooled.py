"""The default detector in C: AUC and decisions on every test clip, beside the detector itself.

    python benchmarks/edge_pooled.py /path/to/dev_data_caridle.zip

The detector is trained on the archive and exported for each of its machines. The example program
of each folder, compiled with gcc, then judges the test clips of its machine, which are WAV files of
16 bits at 16 kHz.
"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from stethoscope.bundle.build import export_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.pooled.fit import PooledGmm
from stethoscope.detection.pooled.pooling import MIN_FRAMES
from stethoscope.detection.train import train_detector
from stethoscope.edge.board import board_bundle
from stethoscope.edge.c.export import export_c
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel
from stethoscope.stats.roc import area_under_curve

_COMPILE = "gcc -std=c99 -O2 -Isrc examples/computer/listen.c"


def trained(archive: Path, folder: Path) -> tuple[Bundle, FeatureStore]:
    """Train the default detector on an archive; return its bundle and the features."""
    store = extract_features(
        [archive], index([archive]), LogMel(), folder / "store", min_frames=MIN_FRAMES
    )
    train_detector(store, PooledGmm(), folder / "model", validation_split=0.1, seed=0)
    evaluate_detector(folder / "store", folder / "model", folder / "results")
    return export_bundle(folder / "model", folder / "results", folder / "bundle"), store


def judge_in_c(
    bundle: Bundle, machine: str, archive: Path, clips: list[Clip], folder: Path
) -> list[tuple[float, bool]]:
    """Return score and decision of the compiled program for every clip of a machine."""
    export_c(bundle, folder / "c", machine=machine)
    sources = sorted((folder / "c" / "src").glob("*.c"))
    subprocess.run(
        [*_COMPILE.split(), *sources, "-o", folder / "listen", "-lm"], cwd=folder / "c", check=True
    )
    answers = []
    with open_archive(archive) as opened:
        for clip in clips:
            (folder / "clip.wav").write_bytes(opened.read(clip.path))
            command = [folder / "listen", folder / "clip.wav"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            rows = [line.split("\t") for line in done.stdout.splitlines()]
            answers.append((float(rows[0][2]), rows[0][3] == "anomalous"))
    return answers


def row(
    bundle: Bundle, store: FeatureStore, machine: str, archive: Path, folder: Path
) -> tuple[float, float, int, int]:
    """Print the row of a machine; return both AUCs, equal decisions and clips."""
    places = [
        place
        for place, clip in enumerate(store.clips)
        if clip.split == "test" and clip.machine == machine and clip.condition != "unknown"
    ]
    clips = [store.clips[place] for place in places]
    frames = [np.array(store.clip_frames(place)) for place in places]
    scorer, rounded = bundle.detector, board_bundle(bundle).detector
    full = [scorer.score(one, machine) for one in frames]
    host = [rounded.score(one, machine) for one in frames]
    board = judge_in_c(bundle, machine, archive, clips, folder)
    anomalous = [clip.condition == "anomaly" for clip in clips]
    aucs = [
        area_under_curve(scores, anomalous) or 0.0
        for scores in (full, [score for score, _ in board])
    ]
    equal = sum(
        bundle.thresholds.decide(score, machine) == decision
        for score, (_, decision) in zip(full, board, strict=True)
    )
    c_scores = np.array([score for score, _ in board])
    print(
        f"| {machine} | {len(clips)} | {aucs[0]:.4f} | {aucs[1]:.4f} | {equal} of {len(clips)} "
        f"| {np.abs(c_scores - full).max():.4f} | {np.abs(c_scores - host).max():.4f} |",
        flush=True,
    )
    return aucs[0], aucs[1], equal, len(clips)


def main() -> None:
    """Print a row per machine, and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    options = parser.parse_args()
    print("| machine | clips | AUC | AUC in C | equal decisions | largest difference | to host |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        bundle, store = trained(options.archive, Path(scratch))
        rows = []
        for machine in sorted(bundle.thresholds.machines):
            folder = Path(scratch) / machine.replace("/", "_")
            folder.mkdir()
            rows.append(row(bundle, store, machine, options.archive, folder))
        full, board, equal, clips = np.array(rows).T
        print(
            f"| mean | {clips.sum():.0f} | {full.mean():.4f} | {board.mean():.4f} "
            f"| {equal.sum() / clips.sum():.3f} | | |"
        )
        print((Path(scratch) / machine.replace("/", "_") / "c" / "MEMORY.md").read_text())


if __name__ == "__main__":
    main()
