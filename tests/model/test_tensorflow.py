"""The import of TensorFlow and Keras."""

import subprocess
import sys


def test_keras_is_imported_without_what_it_does_not_need_and_leaves_no_memory_read_once() -> None:
    code = """
import gc, sys
from pathlib import Path
from stethoscope.model.tensorflow import keras, tf
if sys.platform == "linux":
    text = Path("/proc/self/status").read_text()
    usage = dict(line.split(":", 1) for line in text.splitlines())
    assert int(usage["RssFile"].split()[0]) < 100_000  # kB; 300,000 are read of its libraries
    assert int(usage["VmHWM"].split()[0]) < 400_000  # 520,000 without the release in between
    assert float(tf.linalg.trace(tf.ones((3, 3)) @ tf.ones((3, 3)))) == 9.0
assert keras.backend.backend() == "tensorflow"
assert not {"IPython", "matplotlib", "pandas", "scipy", "sklearn"} & set(sys.modules)
assert gc.isenabled()
import matplotlib, scipy.sparse, sklearn
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
