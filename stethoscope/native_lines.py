"""Lines that TensorFlow and LiteRT, which are C++, write to standard error by themselves.

``INFO: Created TensorFlow Lite XNNPACK delegate for CPU.`` says nothing to a user, and neither
library has a setting for all such lines.
"""

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_LINES = re.compile(
    rb"INFO: "
    rb"|[IW]\d{4} \d\d:\d\d:[\d.]+ "  # of absl, of the levels information and warning
    rb"|WARNING: All log messages before absl::InitializeLog\(\)"
    rb"|To enable the following instructions: "
    rb"|fully_quantize: "
    rb"|XNNPack delegate failed to "  # the exception that follows says it again
)
_ERROR = 2
_MOST = 1 << 16

# Two threads that replace standard error at the same time could leave it replaced.
_replacing = threading.RLock()


@contextmanager
def without_native_lines() -> Iterator[None]:
    """Hide what the libraries log while they do something that is known to log.

    Everything else that is written to standard error meanwhile appears at the end of the block.
    """
    with _replacing:
        try:
            kept = os.dup(_ERROR)
        except OSError:  # the process has no standard error
            yield
            return
        reading, writing = _pipe()
        try:
            _flush()
            os.dup2(writing, _ERROR)
            yield
        finally:
            _flush()
            os.dup2(kept, _ERROR)
            os.close(writing)
            with suppress(BlockingIOError):  # it is empty
                _write(kept, os.read(reading, _MOST))
            os.close(reading)
            os.close(kept)


def _pipe() -> tuple[int, int]:
    """Return both ends of a pipe that nobody waits for.

    It needs no disk, and holds 64 KiB; what is written beyond is lost.
    """
    ends = os.pipe()
    if hasattr(os, "set_blocking"):  # on Windows from Python 3.12
        for end in ends:
            os.set_blocking(end, False)
    return ends


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()


def _write(file: int, content: bytes) -> None:
    lines = content.splitlines(keepends=True)
    os.write(file, b"".join(line for line in lines if not _LINES.match(line)))
