"""TensorFlow and Keras, imported in about half the time of ``import tensorflow``.

Both import pandas, scikit-learn and other packages where they are installed, for functions that
nothing here uses. The 300 MB of TensorFlow's libraries that are read to load them are released,
those of the largest one before Python's modules take memory.
"""

import ctypes
import importlib.util
from pathlib import Path

from stethoscope.imports import quick_import
from stethoscope.resources import release_libraries

_SPEC = importlib.util.find_spec("tensorflow")
_FOLDER = Path(_SPEC.origin if _SPEC and _SPEC.origin else "tensorflow").parent

for library in _FOLDER.glob("libtensorflow_cc.so*"):
    ctypes.CDLL(str(library))
    release_libraries(_FOLDER)

with quick_import("IPython", "matplotlib", "pandas", "scipy", "sklearn"):
    import keras
    import tensorflow as tf

release_libraries(_FOLDER)

__all__ = ["keras", "tf"]
