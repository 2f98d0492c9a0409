"""TensorFlow and Keras, imported in about half the time of ``import tensorflow``.

Keras imports pandas, scikit-learn and matplotlib where they are installed, for functions that
nothing here uses; it does without them where they are not. They are hidden while it is imported.
Python's garbage collector, which would search the tens of thousands of objects of the import again
and again, waits until its end. The 300 MB of TensorFlow's libraries that are read to load them are
released.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stethoscope.resources import release_libraries

_OPTIONAL = ("matplotlib", "pandas", "sklearn")


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Let the import of these packages fail meanwhile, unless they are imported already."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: "not found"
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _without_collection() -> Iterator[None]:
    """Collect no garbage meanwhile, and never search the objects that were made."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


with _hidden(_OPTIONAL), _without_collection():
    import keras
    import tensorflow as tf

release_libraries(Path(tf.__file__).parent)

__all__ = ["keras", "tf"]
