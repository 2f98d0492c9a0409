"""Progress of long work: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from stethoscope.errors import printable

T = TypeVar("T")

_SECONDS_BETWEEN_LINES = 2.0


class Bar:
    """Progress of `total` steps.

    Parameters
    ----------
    label : str
        Name of the work, for example ``features``.
    total : int
        Number of steps expected; 0 when unknown.
    unit : str
        Name of one step.
    """

    def __init__(self, label: str, total: int, *, unit: str) -> None:
        self._label = label
        self._total = total
        self._count = 0
        self._note = ""
        self._last = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(desc=label, total=total or None, unit=unit, leave=False)

    def advance(self, note: str = "", *, steps: int = 1) -> None:
        """Count `steps` more steps and show `note` beside the count."""
        self._count += steps
        self._note = note
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(steps)
        elif time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES:
            self._print()

    def close(self) -> None:
        """Show the final count."""
        if self._bar is not None:
            self._bar.close()
        else:
            self._print()

    def _print(self) -> None:
        self._last = time.monotonic()
        total = f"/{self._total}" if self._total else ""
        print(
            f"{self._label} {self._count}{total}  {self._note}".rstrip(),
            file=sys.stderr,
            flush=True,
        )


def track(items: Iterable[T], *, label: str, total: int, unit: str = "clip") -> Iterator[T]:
    """Yield `items` and show the progress; the other parameters are those of :class:`Bar`."""
    bar = Bar(label, total, unit=unit)
    try:
        for item in items:
            yield item
            bar.advance()
    finally:
        bar.close()


_given_warnings: list[str] = []


def warn(text: str) -> None:
    """Print a warning for the user in one line, ``warning: ...``.

    This is the one way for warnings. A local run collects the lines of all steps for its end and
    for ``summary.json``.
    """
    line = printable(" ".join(text.split()))
    _given_warnings.append(line)
    print(f"warning: {line}", file=sys.stderr, flush=True)


def given_warnings() -> list[str]:
    """Return the warnings of this process, each once."""
    return list(dict.fromkeys(_given_warnings))
