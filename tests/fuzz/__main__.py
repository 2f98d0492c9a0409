"""Fuzz for some minutes: ``python -m tests.fuzz --minutes 30``.

Each test of this folder is run with new random cases, in a process of its own, so that a crash of
a library is a failure of that test. The minutes are shared among the tests. A failure is printed
with the command that repeats it; the numbers of cases and failures are printed last.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from hypothesis import seed

from tests.fuzz.common import CASES

FOLDER = Path(__file__).parent
BATCH = "200"
"""Cases of a batch, which begins with a seed of its own."""

_GRACE_SECONDS = 300
_LONGEST_CASE = 2000


def tests() -> list[str]:
    """Return all tests, as MODULE:FUNCTION."""
    return [
        f"{path.stem}:{name}"
        for path in sorted(FOLDER.glob("test_*.py"))
        for name, value in vars(importlib.import_module(f"tests.fuzz.{path.stem}")).items()
        if name.startswith("test_") and hasattr(value, "hypothesis")
    ]


def run_batches(name: str, first_seed: int, seconds: float) -> dict[str, Any]:
    """Run batches of a test until the time is over; return the number of cases, and failures."""
    module, function = name.split(":")
    test = getattr(importlib.import_module(f"tests.fuzz.{module}"), function)
    inner = test.hypothesis.inner_test
    cases, failures = 0, []

    def counting(*args: Any, **kwargs: Any) -> None:
        nonlocal cases
        cases += 1
        inner(*args, **kwargs)

    test.hypothesis.inner_test = counting
    end = time.monotonic() + seconds
    number = first_seed
    while time.monotonic() < end:
        try:
            seed(number)(test)()
        except Exception as error:
            where = "".join(traceback.format_tb(error.__traceback__, limit=-4))
            case = "\n".join(getattr(error, "__notes__", []))[:_LONGEST_CASE]
            text = f"{where}{type(error).__name__}: {str(error)[:_LONGEST_CASE]}\n{case}"
            failures.append({"seed": number, "error": text})
        number += 1
    return {"cases": cases, "failures": failures}


def run_in_process(name: str, first_seed: int, seconds: float) -> dict[str, Any]:
    """Run batches of a test in a process of its own; a crash of the process is a failure."""
    command = [sys.executable, "-m", "tests.fuzz", "--test", name, "--json"]
    command += ["--seed", str(first_seed), "--minutes", str(seconds / 60)]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            env={**os.environ, CASES: BATCH},
            check=False,
            timeout=seconds + _GRACE_SECONDS,
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"cases": 0, "failures": [{"seed": first_seed, "error": "it did not end"}]}
    except (IndexError, ValueError):
        error = f"the process ended with status {done.returncode}"
        return {"cases": 0, "failures": [{"seed": first_seed, "error": error}]}
    return found


def main() -> int:
    """Fuzz, print the numbers, and return 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--test", action="append", help="MODULE:FUNCTION; all by default")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.json:
        found = run_batches(options.test[0], options.seed, 60 * options.minutes)
        print(json.dumps(found), flush=True)
        return 0
    names = options.test or tests()
    failed = total = 0
    for name in names:
        found = run_in_process(name, options.seed, 60 * options.minutes / len(names))
        for one in found["failures"]:
            again = f"python -m tests.fuzz --test {name} --seed {one['seed']} --minutes 0.01"
            print(f"{one['error']}\nrepeat it by: {again}", flush=True)
        failed += len(found["failures"])
        total += found["cases"]
        print(f"{name}: {found['cases']} cases, {len(found['failures'])} failures", flush=True)
    print(f"{total} cases, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
