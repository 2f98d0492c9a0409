"""Kill runs, sweeps and downloads at random moments, fill their disk, and continue them.

``python -m tests.faults.harness --minutes 30`` goes on until the time is over, and compares what
each case leaves with what a run leaves that nobody disturbed. It prints the number of cases and of
failures, and exits with 1 if there is a failure. Disks of limited size need root.
"""

import argparse
import contextlib
import filecmp
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from stethoscope.kubeflow.folder import RunFolder
from tests.datasets.download.conftest import CONTENT, Site
from tests.disks import can_mount, small_disk

ROOT = Path(__file__).parents[2]
SET = "simulated/fan?ids=1&train_clips=6&test_normal=3&test_anomaly=3&seconds=1"
RUN = ["run", "--dataset-url", SET]
SWEEP = ["sweep", "--machines", f"fan={SET}", "--grid", "feature_n_mels=16,32"]
AT_ONCE = 2
"""Steps that may run when a run is killed, each of which is executed again."""
DATED = {"run.json", "run.log", "summary.json", "result.json", "leaderboard.json"}
"""Files with dates and durations."""

FETCH = """
import sys
from stethoscope.cli import main
from stethoscope.datasets.download.fetch import fetch
from stethoscope.commands import data
def _fetch(options):
    fetch(sys.argv[1], sys.argv[2], cache=sys.argv[3])
    return 0
data._datasets = _fetch
sys.exit(main(["datasets"]))
"""


class WrongOutcomeError(AssertionError):
    """A case did not end as it should."""


def check(condition: bool, *said: object) -> None:
    if not condition:
        raise WrongOutcomeError(" ".join(map(str, said)))


class Outcome:
    """How a disturbed process ended."""

    def __init__(self, status: int, error: str) -> None:
        self.status = status
        self.error = error


def disturbed(command: Sequence[str], killer: Callable[[psutil.Process], None] | None) -> Outcome:
    """Run a command; `killer` gets its process as soon as it is there."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    shown = psutil.Process(process.pid)
    children: list[psutil.Process] = []
    if killer is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            children = shown.children(recursive=True)
            killer(shown)
    error = process.communicate()[1]
    gone, alive = psutil.wait_procs(children, timeout=30)
    check(not alive, "processes outlast the run:", alive, "ended:", gone)
    return Outcome(process.returncode, error)


def kill_after(seconds: float, rng: random.Random) -> Callable[[psutil.Process], None]:
    """Return what kills, after a time, the process itself or one that it has started."""

    def kill(process: psutil.Process) -> None:
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(seconds)
        if process.is_running():
            chosen = rng.choice([process, *process.children(recursive=True)])
            chosen.send_signal(rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))

    return kill


def compare(alone: Path, other: Path) -> None:
    """Require that two folders hold the same files with the same bytes, except dates."""
    names = [
        {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        for folder in (alone, other)
    ]
    check(names[0] == names[1], "other files:", names[0] ^ names[1])
    compared = [
        name
        for name in names[0]
        if Path(name).name not in DATED and not Path(name).name.startswith("leaderboard")
    ]
    different = filecmp.cmpfiles(alone, other, compared, shallow=False)[1]
    different = [
        one
        for one in different
        if not one.endswith("report.html") or undated(alone / one) != undated(other / one)
    ]
    check(not different, "other content:", different)
    check(figures(alone) == figures(other), "other figures")


def undated(report: Path) -> str:
    """The text of a report without the times at which it was made."""
    return re.sub(r"\d{1,2} \w+ \d{4}, \d\d:\d\d", "", report.read_text(encoding="utf-8"))


def figures(folder: Path) -> object:
    """Return what a summary holds beside dates and durations."""

    def without(value: object) -> object:
        if isinstance(value, dict):
            left = {"finished", "seconds", "seconds_per_run", "steps"}
            return {key: without(one) for key, one in value.items() if key not in left}
        return [without(one) for one in value] if isinstance(value, list) else value

    return without(json.loads((folder / "summary.json").read_text()))


def executed(folder: Path) -> Counter[str]:
    """How often each step was begun."""
    log = (folder / "run.log").read_text(errors="replace")
    return Counter(re.findall(r"Executing task .*?'(.+?)'", log))


class Cases:
    """The kinds of cases, in a folder of their own."""

    def __init__(self, folder: Path, seed: int, arguments: Sequence[str]) -> None:
        self.folder = folder
        self.rng = random.Random(seed)
        self.arguments = list(arguments)
        self._alone: dict[str, tuple[Path, float]] = {}

    def alone(self, command: list[str]) -> tuple[Path, float]:
        """Return the folder of a run that is not disturbed, and its duration."""
        kind = command[0]
        if kind not in self._alone:
            folder, began = self.folder / f"{kind}-alone", time.monotonic()
            done = disturbed(stethoscope(*command, "--output", str(folder)), None)
            check(done.status == 0, done.error)
            self._alone[kind] = folder, time.monotonic() - began
        return self._alone[kind]

    def killed(self, command: list[str]) -> None:
        """Kill a run several times, continue it each time, and compare the results."""
        alone, seconds = self.alone(command)
        with self.scratch() as output:
            kills = 0
            for _ in range(self.rng.randint(1, 4)):
                moment = self.rng.uniform(0, seconds)
                done = disturbed(self.go(command, output), kill_after(moment, self.rng))
                if done.status == 0:
                    break
                check("Traceback" not in done.error, done.error)
                check(RunFolder(output).state() != "finished", "looks finished")
                kills += 1
            else:
                done = disturbed(self.go(command, output), None)
            check(done.status == 0, done.error)
            compare(alone, output)
            # What failed in a sweep does not end it, so its leaderboard is written each time.
            steps = executed(output) - Counter({"leaderboard": kills})
            repeated = sum(steps.values()) - sum(executed(alone).values())
            check(repeated <= AT_ONCE * kills, "steps repeated:", repeated, "kills:", kills)

    def killed_run(self) -> None:
        self.killed(RUN + self.arguments)

    def killed_sweep(self) -> None:
        self.killed([*SWEEP, "-p", "fault_groups=0"])

    def go(self, command: list[str], output: Path) -> list[str]:
        """Return the command that begins a run, or continues it."""
        if (output / "run.json").exists():
            return stethoscope(command[0], "--resume", str(output))
        return stethoscope(*command, "--output", str(output))

    def full_disk(self) -> None:
        """Give a run too small a disk, then a larger one."""
        command = RUN + self.arguments
        alone, _ = self.alone(command)
        with self.scratch() as place, small_disk(place, self.rng.randint(1 << 16, 4 << 20)) as disk:
            output = disk / "run"
            done = disturbed(self.go(command, output), None)
            if done.status != 0:
                lines = done.error.strip().splitlines()
                check("the disk is full" in lines[-1], done.error)
                check("Traceback" not in done.error, done.error)
                check(not (output / "summary.json").exists(), "looks finished")
                subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
                done = disturbed(self.go(command, output), None)
            check(done.status == 0, done.error)
            compare(alone, output)

    def killed_download(self) -> None:
        """Kill a download, or fill its disk, and fetch again."""
        site = Site()
        site.faults = [self.rng.choice(["", "", "hang", "drop", 503]) for _ in range(3)]
        with self.scratch() as place, contextlib.ExitStack() as stack:
            folder = place
            if can_mount() and self.rng.random() < 0.5:
                size = self.rng.randint(1 << 16, 80 << 20)
                folder = stack.enter_context(small_disk(place, size))
            fetch = ["-c", FETCH, site.url, str(folder / "to"), str(folder / "cache")]
            for _ in range(self.rng.randint(1, 3)):
                done = disturbed(fetch, kill_after(self.rng.uniform(0.2, 2.0), self.rng))
                check("Traceback" not in done.error, done.error)
            if folder.is_mount():
                subprocess.run(["mount", "-o", "remount,size=1g", str(folder)], check=True)
            site.release.set()
            done = disturbed(fetch, None)
            check(done.status == 0, done.error)
            check((folder / "to" / "fan.zip").read_bytes() == CONTENT, "another archive")
        site.server.shutdown()
        site.server.server_close()

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield the path of a new folder, which is deleted afterwards."""
        path = self.folder / f"case-{self.rng.getrandbits(32):08x}"
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def stethoscope(*arguments: str) -> list[str]:
    return ["-m", "stethoscope", *arguments]


def main() -> int:
    """Run cases until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", nargs="*", default=[], help="kinds of cases")
    parser.add_argument("-p", action="append", default=[], help="parameter of the runs")
    options = parser.parse_args()
    kinds = ["killed_run", "killed_download", "killed_sweep"]
    kinds += ["full_disk"] if can_mount() else []
    kinds = options.only or kinds
    cases, failures, end = Counter[str](), Counter[str](), time.monotonic() + options.minutes * 60
    print(f"seed {options.seed}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        given = [part for one in options.p for part in ("-p", one)]
        rounds = Cases(Path(folder), options.seed, given)
        while time.monotonic() < end:
            kind = kinds[sum(cases.values()) % len(kinds)]
            cases[kind] += 1
            try:
                getattr(rounds, kind)()
            except WrongOutcomeError as failure:
                failures[kind] += 1
                print(f"FAILED {kind}: {failure}", flush=True)
    for kind in kinds:
        print(f"{kind}: {cases[kind]} cases, {failures[kind]} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
