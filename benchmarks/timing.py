"""Measuring sides in turns, and figures with their spread: what the benchmarks of speed share.

Both sides of a comparison run on this machine, one after the other, several times, so that other
load and the temperature of the processor touch both alike. A figure is the median of the rounds;
its spread is that of the rounds.
"""

import os
import platform
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

T = TypeVar("T")
Side = Callable[[], Mapping[str, float]]
Rounds = dict[str, dict[str, list[float]]]
"""Values by side and quantity, one per round."""

WIDE = 0.2
"""Spread of a figure, relative to it, from which on its run is noisy."""
VISIBLE = 0.02
"""Smallest relative change that is marked: figures of a single round have no spread."""
BUSY = 0.05
"""Fraction of the processors' time taken by other processes from which on a run is noisy."""


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return how long `work` took, in seconds, and what it returned."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def in_turns(sides: Mapping[str, Side], rounds: int) -> Rounds:
    """Measure all sides, one after the other, `rounds` times."""
    found: Rounds = {name: {} for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            for quantity, value in side().items():
                found[name].setdefault(quantity, []).append(float(value))
    return found


@contextmanager
def peak_memory(process: psutil.Process, interval: float = 0.25) -> Iterator[list[int]]:
    """Watch the memory of a process and its descendants; yield a list whose last item is the peak.

    Pages that processes share count once. To count them takes milliseconds per gigabyte, during
    which the process cannot take memory: hence the long interval.
    """
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(interval):
            peak[0] = max(peak[0], memory_of(process))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def memory_of(process: psutil.Process) -> int:
    """Return the memory of a process and its descendants, in bytes; shared pages count once."""
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            try:
                total += one.memory_full_info().pss
            except psutil.Error:
                continue
    except psutil.Error:
        pass
    return total


def run_measured(command: list[str], **options: Any) -> dict[str, float]:
    """Run a command; return its time, its processor time and its peak memory in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with subprocess.Popen(command, **options) as process:
        with peak_memory(psutil.Process(process.pid)) as peak:
            process.wait()
        seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "work": work, "megabytes": peak[-1] / 1e6}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure beside its reference.

    Attributes
    ----------
    key : str
        Its name in the JSON and in the pages.
    text : str
        What is measured.
    unit : str
    ours, reference : list of float
        One value per round; the reference is empty where there is none.
    more_is_better : bool
    """

    key: str
    text: str
    unit: str
    ours: list[float]
    reference: list[float] = field(default_factory=list)
    more_is_better: bool = False

    @property
    def ratios(self) -> list[float]:
        """How many times better this project is than the reference, in every round."""
        if not self.reference:
            return []
        pairs = zip(self.ours, self.reference, strict=True)
        return [a / b if self.more_is_better else b / a for a, b in pairs]

    def to_json(self) -> dict[str, Any]:
        """Return the figure as JSON values: medians, and the range of the rounds."""
        value = {"text": self.text, "unit": self.unit, "ours": _summary(self.ours)}
        if self.reference:
            value |= {"reference": _summary(self.reference), "ratio": _summary(self.ratios)}
        return value


def pair(
    rounds: Rounds, key: str, text: str, unit: str, quantity: str, scale: float = 1.0, **more: Any
) -> Figure:
    """Return the figure of a quantity of the sides ``ours`` and, if it was measured, ``reference``.

    Parameters
    ----------
    rounds : dict
        As :func:`in_turns` returns them.
    key, text, unit, more
        As in :class:`Figure`.
    quantity : str
        Its name in the rounds.
    scale : float
        From the unit of the rounds to `unit`.
    """
    ours, reference = (
        [scale * one for one in rounds.get(side, {}).get(quantity, [])]
        for side in ("ours", "reference")
    )
    return Figure(key=key, text=text, unit=unit, ours=ours, reference=reference, **more)


def _summary(values: list[float]) -> list[float]:
    """Return median, least and largest value, to four digits."""
    return [_rounded(one) for one in (statistics.median(values), min(values), max(values))]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def is_noisy(figure: Mapping[str, Any], others: float | None) -> bool:
    """Return whether the rounds of a figure, as JSON, differ much, or others used the processors.

    Parameters
    ----------
    figure : mapping
    others : float or None
        Fraction of the processors' time that other processes took; None where it is not known.
    """
    median, least, most = figure.get("ratio") or figure["ours"]
    return (most - least) > WIDE * abs(median) or (others or 0.0) > BUSY


def changed(figure: Mapping[str, Any], earlier: Mapping[str, Any], *, same_machine: bool) -> bool:
    """Return whether a figure differs from an earlier one by more than both spreads, and visibly.

    Ratios are compared; where there is none, values, if they were measured on the same machine.
    """
    if "ratio" in figure and "ratio" in earlier:
        new, old = figure["ratio"], earlier["ratio"]
    elif same_machine:
        new, old = figure["ours"], earlier["ours"]
    else:
        return False
    apart = new[1] > old[2] or new[2] < old[1]
    return bool(apart and abs(new[0] - old[0]) > VISIBLE * abs(old[0]))


def machine() -> dict[str, Any]:
    """Return what the figures of a run depend on: processors, memory, Python."""
    return {
        "processors": len(os.sched_getaffinity(0)),
        "model": _model(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
    }


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


class Others:
    """Counts the processor time of other processes, from its construction on.

    Time that a virtual machine waited for its host counts too.
    """

    def __init__(self) -> None:
        self._began = self._state()

    def fraction(self) -> float:
        """Return the fraction of all processors' time that others took so far."""
        everyone, own, total = (
            after - before for before, after in zip(self._began, self._state(), strict=True)
        )
        return max(0.0, everyone - own) / total if total else 0.0

    @staticmethod
    def _state() -> tuple[float, float, float]:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # These are part of `user` and `nice` already.
        counted_twice = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        total = sum(times) - counted_twice
        usages = [
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        own = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        return total - idle, own, total


def print_figures(figures: Iterable[Figure]) -> None:
    """Print figures as lines of text, without what a run of all benchmarks knows besides."""
    for figure in figures:
        print(line_of(figure.to_json()), flush=True)


def line_of(figure: Mapping[str, Any]) -> str:
    """Return a figure, given as JSON, as a line: values, reference and ratio, with their ranges."""
    cells = [f"{figure['text']:<46}", f"{_range(figure['ours'])} {figure['unit']}"]
    if "reference" in figure:
        cells.append(f"reference {_range(figure['reference'])}")
        cells.append(f"{_range(figure['ratio'])} times as good")
    return "  ".join(cells)


def _range(values: Sequence[float]) -> str:
    median, least, most = (f"{value:.3g}" for value in values)
    return median if least == most else f"{median} ({least} to {most})"
