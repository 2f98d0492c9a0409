"""The import of large libraries in less time."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_import(*hidden: str) -> Iterator[None]:
    """Import libraries within this context in less time.

    Python's garbage collector, which would search the tens of thousands of objects of an import
    again and again, waits until its end, and never searches them later.

    Parameters
    ----------
    *hidden : str
        Packages that the libraries import where they are installed, and do without where they are
        not. Within the context they are not found, unless they are imported already.
    """
    blocked = [name for name in hidden if name not in sys.modules]
    enabled = gc.isenabled()
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]  # None: "not found"
    gc.disable()
    try:
        yield
    finally:
        for name in blocked:
            del sys.modules[name]
        gc.freeze()
        if enabled:
            gc.enable()
