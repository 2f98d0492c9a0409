"""Compare the step that trains the diagnosis with that of another checkout: time and accuracy.

For every seed a set of simulated fans is grouped once. Both checkouts then train on it with their
own defaults, one after the other, each in a process of its own as a run does, which imports
TensorFlow, trains and exports. Printed are the processor time of these processes, which is worth
more than their duration on a machine that does other work too, and the balanced accuracy over
normal and the groups on the recordings that were kept for the test, a fifth by default.

    git worktree add /tmp/before COMMIT
    python benchmarks/diagnosis_training.py --reference /tmp/before --seeds 5
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean

from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.diagnosis.clips import clips_to_compare
from stethoscope.diagnosis.grouping import find_groups
from stethoscope.diagnosis.options import FaultOptions
from stethoscope.features.extract import extract_features
from stethoscope.sound.mfcc import Mfcc

TRAIN = """
import sys
from dataclasses import replace
from stethoscope.diagnosis.options import FAULT_FIT
from stethoscope.diagnosis.train import fit_diagnosis
folder, model, seed, split = sys.argv[1:]
fit = replace(FAULT_FIT.of({"seed": int(seed)}), verbose=0)
trained = fit_diagnosis(
    folder + "/features", folder + "/groups", fit, model, test_split=float(split)
)
"""
TEST = """
import json, sys, tempfile
from pathlib import Path
from stethoscope.diagnosis.evaluate import evaluate_diagnosis
folder, model = sys.argv[1:]
with tempfile.TemporaryDirectory() as results:
    found = evaluate_diagnosis(folder + "/features", folder + "/groups", model, results + "/out")
epochs = len(json.loads(Path(model, "curves.json").read_text())["curves"]["loss"])
print(json.dumps({"accuracy": found["figures"]["balanced_accuracy"], "epochs": epochs}))
"""
HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print a line per seed and checkout, and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reference", type=Path, help="another checkout; none trains here alone")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--test-split", type=float, default=0.2)
    options = parser.parse_args()
    checkouts = {"reference": options.reference, "here": HERE}
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder), seed)
            for name, checkout in checkouts.items():
                if checkout:
                    row, epochs = measure(Path(folder), checkout, seed, options.test_split)
                    found.setdefault(name, []).append(row)
                    print(f"seed {seed}  {name:<10}{line(row)}  {epochs} epochs", flush=True)
    means = {
        name: tuple(fmean(column) for column in zip(*rows, strict=True))
        for name, rows in found.items()
    }
    for name, mean in means.items():
        print(f"mean    {name:<10}{line(mean)}")
    if "reference" in means:
        here, reference = means["here"], means["reference"]
        print(
            f"here / reference: processor time {here[0] / reference[0]:.2f}, "
            f"duration {here[1] / reference[1]:.2f}; accuracy {here[2] - reference[2]:+.3f}"
        )


def line(row: tuple[float, ...]) -> str:
    """Return the figures in words."""
    return f"processor {row[0]:5.1f} s  duration {row[1]:5.1f} s  balanced accuracy {row[2]:.3f}"


def prepare(folder: Path, seed: int) -> None:
    """Simulate a set of the size of ``simulated/fan``, and group it."""
    archive = folder / "fan.zip"
    simulate_archive(archive, machine="fan", seed=seed)
    clips = clips_to_compare(index([archive]), seed=seed)
    extract_features([archive], clips, Mfcc(), folder / "features")
    find_groups(folder / "features", FaultOptions(seed=seed), folder / "groups")


def measure(
    folder: Path, checkout: Path, seed: int, test_split: float
) -> tuple[tuple[float, float, float], int]:
    """Return processor time and duration of a training, its balanced accuracy, and its epochs."""
    model = folder / f"model-{checkout.name}"
    started, before = time.perf_counter(), processor_time()
    python(checkout, TRAIN, folder, model, seed, test_split)
    seconds, duration = processor_time() - before, time.perf_counter() - started
    tested = json.loads(python(checkout, TEST, folder, model))
    return (seconds, duration, tested["accuracy"]), tested["epochs"]


def python(checkout: Path, code: str, *arguments: object) -> str:
    """Return what a program prints that imports the package of a checkout."""
    answer = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=checkout,  # Python looks for modules there first
        env={**os.environ, "PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        text=True,
    )
    return answer.stdout


def processor_time() -> float:
    """Return the processor time of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
