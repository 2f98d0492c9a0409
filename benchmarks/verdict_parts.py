"""Where the processor time of one served verdict goes, part by part.

    python benchmarks/verdict_parts.py BUNDLE

The service answers a ten-second clip, sent as a form, one request after the other; its process and
its worker are measured from outside. The parts within the worker are measured here, in a process
with the worker's settings, in the order in which a verdict uses them. It is processor time, which
other load of the machine changes less than the time that passes.
"""

import argparse
import functools
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in a worker

from serving import form, post, record, running, serve_command
from timing import Figure, in_turns, pair, print_figures

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.diagnosis.model import Diagnosis
from stethoscope.serve import wire, worker
from stethoscope.serve.body import _FormReader
from stethoscope.serve.memory import return_large_buffers
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.parts import LongSource
from stethoscope.sound.recording import Recording

_CHUNK = 64 << 10  # bytes of a body that arrive at once
_TEXTS = {
    "verdict": "one verdict: service and worker",
    "service": "the process of the service",
    "form": "of it: parse the form",
    "routing": "of it: HTTP, routing, turns, log",
    "worker": "the process of the worker",
    "receive": "of it: receive the clip, wake up",
    "header": "of it: read the header",
    "decode": "of it: decode",
    "measure": "of it: measure for the guard",
    "logmel": "of it: log-mel spectrogram",
    "score": "of it: pool and score",
    "mfcc": "of it: MFCC",
    "diagnose": "of it: diagnosis by LiteRT",
    "rest": "of it: the rest, and JSON",
}


class Clock:
    """Adds up the processor time of functions, by part.

    Of functions that call each other, only the outermost counts.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside = False

    def add(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same, and is counted."""

        @functools.wraps(work)
        def counted(*given: Any, **named: Any) -> Any:
            if self._inside:
                return work(*given, **named)
            self._inside, began = True, time.process_time()
            try:
                return work(*given, **named)
            finally:
                self._inside = False
                taken = time.process_time() - began
                self.seconds[part] = self.seconds.get(part, 0.0) + taken

        return counted


def main() -> None:
    """Print the parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print_figures(parts(options.bundle, options.requests, options.rounds))


def parts(bundle: Path, requests: int, rounds: int) -> list[Figure]:
    """Return the processor time of a verdict and of its parts, in milliseconds."""
    with tempfile.TemporaryDirectory() as scratch:
        clip = record(Path(scratch) / "clip.wav")
    return_large_buffers()
    inference = Inference(Bundle.open(bundle))

    def measured() -> dict[str, float]:
        inside = {"form": parsing(clip, requests), **judging(inference, clip, requests)}
        service, judged = serving(bundle, clip, requests)
        return {
            **inside,
            "verdict": service + judged,
            "service": service,
            "routing": service - inside["form"],
            "worker": judged,
            "receive": judged - inside.pop("judge"),
        }

    found = in_turns({"ours": measured}, rounds)
    return [
        pair(found, part if part == "verdict" else f"verdict.{part}", text, "ms", part, 1e3)
        for part, text in _TEXTS.items()
        if part in found["ours"]
    ]


def parsing(clip: bytes, count: int) -> float:
    """Return the processor time of parsing the form that holds a clip."""
    body = form(clip)
    chunks = [body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]
    began = time.process_time()
    for _ in range(count):
        reader = _FormReader(b"BOUNDARY", 1)
        for chunk in chunks:
            reader.write(chunk)
        reader.finish()
    return (time.process_time() - began) / count


def judging(inference: Inference, clip: bytes, count: int) -> dict[str, float]:
    """Return the processor time of judging a clip in a worker, and of the parts of that."""
    job = {
        **{"name": "clip.wav", "machine_id": "", "window": None, "step": None, "picture": False},
        **{"max_seconds": 300.0, "max_samples": 32 << 20, "large": False},
    }

    def once() -> None:
        wire.head(worker._reply(inference, job, clip), 0)

    for _ in range(10):
        once()
    clock = Clock()
    with counted(clock, inference):
        began = time.process_time()
        for _ in range(count):
            once()
        total = time.process_time() - began
    taken = {part: seconds / count for part, seconds in clock.seconds.items()}
    return {**taken, "judge": total / count, "rest": total / count - sum(taken.values())}


@contextmanager
def counted(clock: Clock, inference: Inference) -> Iterator[None]:
    """Count the functions that are the parts of judging."""
    places: list[tuple[Any, str, str]] = [
        (worker, "read_header", "header"),
        (LongSource, "__init__", "header"),
        (LongSource, "whole", "decode"),
        (Recording, "measure", "measure"),
        (LogMel, "extract", "logmel"),
        (Mfcc, "extract", "mfcc"),
        (type(inference.bundle.detector), "score", "score"),
        (Diagnosis, "diagnose", "diagnose"),
    ]
    with ExitStack() as stack:
        for place, name, part in places:
            replaced = clock.add(part, getattr(place, name))
            stack.enter_context(mock.patch.object(place, name, replaced))
        yield


def serving(bundle: Path, clip: bytes, count: int) -> tuple[float, float]:
    """Return the processor time per request of the service's process, and of all others."""
    body = form(clip)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with running(serve_command(bundle), port) as (process, _):
        for _ in range(10):
            post(port, body)
        everyone = [process, *process.children(recursive=True)]
        before = [sum(one.cpu_times()[:2]) for one in everyone]
        for _ in range(count):
            post(port, body)
        after = [sum(one.cpu_times()[:2]) for one in everyone]
    taken = [(b - a) / count for a, b in zip(before, after, strict=True)]
    return taken[0], sum(taken[1:])


if __name__ == "__main__":
    main()
