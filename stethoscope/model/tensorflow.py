"""TensorFlow and Keras, imported in about half the time of ``import tensorflow``.

Both import pandas, scikit-learn and other packages where they are installed, for functions that
nothing here uses. The 300 MB of TensorFlow's libraries that are read to load them are released.
"""

from pathlib import Path

from stethoscope.imports import quick_import
from stethoscope.resources import release_libraries

with quick_import("IPython", "matplotlib", "pandas", "scipy", "sklearn"):
    import keras
    import tensorflow as tf

release_libraries(Path(tf.__file__).parent)

__all__ = ["keras", "tf"]
