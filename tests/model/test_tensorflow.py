"""The import of TensorFlow and Keras."""

import subprocess
import sys


def test_keras_is_imported_without_libraries_it_does_not_need_which_can_be_imported_after() -> None:
    code = """
import gc, sys
from stethoscope.model.tensorflow import keras, tf
assert keras.backend.backend() == "tensorflow"
assert not {"pandas", "sklearn", "matplotlib"} & set(sys.modules)
assert gc.isenabled()
import matplotlib, sklearn
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
