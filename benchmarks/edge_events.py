"""Events of the test recordings: the float network, the int8 network, and the exported C.

    python benchmarks/edge_events.py /path/to/bell_audacity_labels.zip --seeds 5

The detector is trained on the archive and exported. The example program of the folder, compiled
with gcc, then runs on whole test recordings, which are WAV files of 16 bits at 16 kHz.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.audacity import intervals_of, recordings_of
from stethoscope.datasets.clips import write_clips
from stethoscope.datasets.layouts import index
from stethoscope.edge.events import export_events
from stethoscope.events.evaluate import evaluate_events
from stethoscope.events.metrics import Spans, match
from stethoscope.events.model import Event, EventDetector
from stethoscope.events.options import TEACHING, TEACHING_BANDS, EventFit
from stethoscope.events.train import train_events
from stethoscope.events.windows import LabelledWindows
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.bands import BandSpectrum

_TOLERANCE = EventFit.tolerance
_VARIANTS = {
    "small": (TEACHING_BANDS, EventFit(**TEACHING)),
    "larger": (96, EventFit()),
}
"""Bands of the spectrum, and the network."""


def f1_of(found: Sequence[Sequence[Event]], truth: Sequence[Spans]) -> float:
    """Return the F1 of events over several recordings."""
    hits = sum(len(match(a, b, _TOLERANCE)) for a, b in zip(found, truth, strict=True))
    return 2 * hits / sum(len(one) for one in (*found, *truth))


def find_in_c(folder: Path, recordings: list[bytes], scratch: Path) -> list[list[Event]]:
    """Return the events that the compiled program prints for every recording."""
    sources = [str(path.relative_to(folder)) for path in sorted((folder / "src").glob("*.c"))]
    command = ["gcc", "-std=c99", "-O2", "-Isrc", "examples/computer/listen.c", *sources]
    subprocess.run([*command, "-o", scratch / "listen", "-lm"], cwd=folder, check=True)
    found = []
    for content in recordings:
        (scratch / "recording.wav").write_bytes(content)
        done = subprocess.run(
            [scratch / "listen", scratch / "recording.wav"],
            check=True,
            capture_output=True,
            text=True,
        )
        rows = [
            [float(value) for value in line.split("\t")[:4]] for line in done.stdout.splitlines()
        ]
        found.append([Event(row[0], row[1], row[3], row[2]) for row in rows])
    return found


def figures_of_seed(
    archive: Path, store: FeatureStore, fit: EventFit, scratch: Path
) -> tuple[float, ...]:
    """Train, export and run a detector; return the F1 of float, int8 and C."""
    table = index([archive])
    write_clips(scratch / "clips.csv", table)
    train_events(store, table, fit, scratch / "model")
    evaluate_events(
        scratch / "store", scratch / "clips.csv", scratch / "model", scratch / "results"
    )
    export_events(scratch / "model", scratch / "results", scratch / "bundle", max_drop=1.0)
    windows = LabelledWindows.cut(store, table, fit)
    places = [int(place) for place in np.unique(windows.clip[windows.of("test")])]
    clips, intervals = [store.clips[place] for place in places], intervals_of(table)
    truth = [intervals[clip.source, clip.path] for clip in clips]
    found = []
    for network in ("float", "int8"):
        detector = EventDetector.open(scratch / "model", network)
        scores = [detector.scores(np.array(store.clip_frames(place))) for place in places]
        found.append([detector.events(one) for one in scores])
    with open_archive(archive) as opened:
        contents = [opened.read(clip.path) for clip in clips]
    found.append(find_in_c(scratch / "bundle" / "c", contents, scratch))
    return tuple(f1_of(one, truth) for one in found)


def main() -> None:
    """Print a row per network and seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print("| network | seed | F1, float | F1, int8 | F1, C |\n|---|---|---|---|---|")
    for name, (bands, fit) in _VARIANTS.items():
        with tempfile.TemporaryDirectory() as folder:
            scratch, feature = Path(folder), BandSpectrum(n_bands=bands)
            whole = recordings_of(index([options.archive]))
            store = extract_features(
                [options.archive], whole, feature, scratch / "store", min_frames=fit.window
            )
            for seed in range(options.seeds):
                row = figures_of_seed(options.archive, store, replace(fit, seed=seed), scratch)
                print(f"| {name} | {seed} | " + " | ".join(f"{f1:.4f}" for f1 in row) + " |")
            print((scratch / "bundle" / "c" / "MEMORY.md").read_text(), flush=True)


if __name__ == "__main__":
    main()
