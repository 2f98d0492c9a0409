"""What a run of the main pipeline stores in a cluster's artifact store, and moves to and from it.

    python benchmarks/bytes_moved.py
    python benchmarks/bytes_moved.py --archive dev_data_fan.zip --gigabytes 1 2 7.5

A step uploads what it leaves, and downloads every artifact that it takes, as Kubeflow does. The
sizes are those of the artifacts of a run on this computer. Artifacts whose size depends on the
number of recordings are scaled to archives of the given sizes; models and results keep theirs.
"before" is the same run if three steps took the archive (both features and the report), and none
left recordings to play. With a volume for downloads, or a workspace, the archive stays there and
does not pass through the store.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.kubeflow.compiled import read_spec
from stethoscope.runs.pipelines import compiled_file

SCALED = {
    ("download", "recordings"),
    ("download", "clips"),
    ("extract-features", "features"),
    ("extract-features", "cepstra"),
    ("extract-features", "sounds"),
}
"""Artifacts whose size is proportional to the number of recordings."""

ARCHIVE, SOUNDS = ("download", "recordings"), ("extract-features", "sounds")
READ_BY_BEFORE = 3

Sizes = dict[tuple[str, str], int]


def run(archive: Path, folder: Path) -> Sizes:
    """Run the pipeline, and return the bytes of every artifact by step and name."""
    command = ["-m", "stethoscope", "run", "--dataset-url", str(archive), "--output", str(folder)]
    quick = [part for one in ("class_epochs=1", "class_patience=1") for part in ("-p", one)]
    subprocess.run([sys.executable, *command, "--keep", *quick], check=True, stdout=sys.stderr)
    spec = read_spec(compiled_file("main"))
    sizes = {}
    for name, task in spec["root"]["dag"]["tasks"].items():
        made = spec["components"][task["componentRef"]["name"]].get("outputDefinitions", {})
        for artifact in made.get("artifacts", {}):
            place = folder / "work" / "steps" / name / artifact
            files = [place, *place.rglob("*")] if place.exists() else []
            sizes[name, artifact] = sum(one.stat().st_size for one in files if one.is_file())
    return sizes


def takers() -> dict[tuple[str, str], int]:
    """Return how many steps take each artifact."""
    counts: dict[tuple[str, str], int] = {}
    for task in read_spec(compiled_file("main"))["root"]["dag"]["tasks"].values():
        for one in task.get("inputs", {}).get("artifacts", {}).values():
            output = one["taskOutputArtifact"]
            key = output["producerTask"], output["outputArtifactKey"]
            counts[key] = counts.get(key, 0) + 1
    return counts


def row(sizes: Sizes, counts: dict[tuple[str, str], int], gigabytes: float) -> dict[str, Any]:
    """Return what is stored and moved with an archive of a size, before and after, in GB."""
    factor = gigabytes * 1e9 / sizes[ARCHIVE]
    own = {key: size * factor if key in SCALED else size for key, size in sizes.items()}
    stored = sum(own.values())
    moved = stored + sum(size * counts.get(key, 0) for key, size in own.items())
    more = (READ_BY_BEFORE - counts[ARCHIVE]) * own[ARCHIVE]
    fewer = own[SOUNDS] * (1 + counts[SOUNDS])
    return {
        "archive_gb": gigabytes,
        "archive_moved_gb": {
            "before": round((1 + READ_BY_BEFORE) * gigabytes, 2),
            "after": round((1 + counts[ARCHIVE]) * gigabytes + fewer / 1e9, 2),
        },
        "stored_gb": {
            "before": round((stored - own[SOUNDS]) / 1e9, 2),
            "after": round(stored / 1e9, 2),
        },
        "moved_gb": {
            "before": round((moved + more - fewer) / 1e9, 2),
            "after": round(moved / 1e9, 2),
            "after_with_a_volume": round((moved - (1 + counts[ARCHIVE]) * own[ARCHIVE]) / 1e9, 2),
        },
    }


def main() -> None:
    """Measure the artifacts of a run, and print what is stored and moved as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[1.0, 2.0, 7.5])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archive = options.archive
        if archive is None:
            # The proportions of DCASE 2020: about four training clips to one test clip.
            archive = folder / "fan.zip"
            simulate_archive(archive, machine="fan", train_clips=120, test_anomaly=15)
        sizes, counts = run(archive, folder / "run"), takers()
    named = {"/".join(key): size for key, size in sizes.items() if key in SCALED}
    taken = {"/".join(key): counts.get(key, 0) for key in SCALED}
    rows = [row(sizes, counts, gigabytes) for gigabytes in options.gigabytes]
    print(json.dumps({"measured_bytes": named, "taken_by_steps": taken, "runs": rows}, indent=1))


if __name__ == "__main__":
    main()
