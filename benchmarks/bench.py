"""Every figure of speed and memory in README and docs, beside its reference from the same run.

    make bench                          all parts, 15 minutes on two quiet cores
    python benchmarks/bench.py --quick             a minute or two: small sets, one round
    python benchmarks/bench.py --parts serving     one part; the others' figures stay

The figures go to `benchmarks/results/speed.json`, those of --quick to `build/speed.json`. They are
compared with the last committed ones: `CHANGED` marks a figure whose rounds all lie on one side of
all of the earlier rounds. `NOISY` marks one whose rounds differ by more than a fifth, or during
which other processes took more than a twentieth of the processors' time. `python docs/figures.py`
then writes them into the pages.

A part is a module of this folder with a function `figures(*, quick)` that returns a list of
`timing.Figure`. Each part runs in a process of its own.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from timing import Others, changed, is_noisy, line_of, machine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "speed.json"
QUICK_RESULTS = ROOT / "build" / "speed.json"
LOG = ROOT / "build" / "bench.log"
PARTS = ("versus_recipe", "training_speed", "one_pass", "serving", "default_run", "detectors")


def main() -> None:
    """Measure all parts, print their figures, and write them."""
    options = read_options()
    if options.part:
        write_part(options.part, options.output, quick=options.quick)
        return
    path = QUICK_RESULTS if options.quick else RESULTS
    committed = {} if options.quick else read_committed()
    results = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for part in options.parts:
        print(f"\n{part}", flush=True)
        results[part] = measure(part, quick=options.quick)
        for line in lines(results[part], committed.get(part, {})):
            print(line, flush=True)
        write(path, results)
    print(f"\nwritten to {path.relative_to(ROOT)}")
    if not options.quick:
        print("`python docs/figures.py` writes the figures into README and docs")


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sets, one round")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def write_part(part: str, output: Path, *, quick: bool) -> None:
    """Measure one part in this process, and write its figures."""
    figures = importlib.import_module(part).figures(quick=quick)
    write(output, {figure.key: figure.to_json() for figure in figures})


def measure(part: str, *, quick: bool) -> dict[str, Any]:
    """Measure one part in a process of its own; return its figures and what they depend on."""
    load, others = os.getloadavg()[0], Others()
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "figures.json"
        command = [sys.executable, __file__, "--part", part, "--output", str(output)]
        LOG.parent.mkdir(parents=True, exist_ok=True)
        with LOG.open("a", encoding="utf-8") as log:
            done = subprocess.run(
                [*command, *(["--quick"] if quick else [])], stdout=log, stderr=subprocess.STDOUT
            )
        if done.returncode:
            raise SystemExit(f"{part} ended with {done.returncode}; the end of {LOG} says why")
        figures = json.loads(output.read_text(encoding="utf-8"))
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "load_before": round(load, 2),
        "others": round(others.fraction(), 3),
        "figures": figures,
    }


def lines(part: Mapping[str, Any], committed: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line per figure: values and ranges, machine, load, and what is to be noticed."""
    where = part["machine"]
    suffix = (
        f"  [{where['processors']} x {where['model']}, load {part['load_before']:g}, "
        f"others {part['others']:.0%}]"
    )
    same_machine = committed.get("machine") == where
    for key, figure in part["figures"].items():
        marks = "  NOISY" if is_noisy(figure, part["others"]) else ""
        earlier = committed.get("figures", {}).get(key)
        if earlier and changed(figure, earlier, same_machine=same_machine):
            was = (earlier.get("ratio") or earlier["ours"])[0]
            marks += f"  CHANGED, was {was:g}"
        yield line_of(figure) + suffix + marks


def read_committed() -> dict[str, Any]:
    """Return the last committed figures; none where there is no commit with them."""
    command = ["git", "show", f"HEAD:{RESULTS.relative_to(ROOT)}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout) if not done.returncode else {}
    return found


def write(path: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write JSON that a person can compare line by line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
