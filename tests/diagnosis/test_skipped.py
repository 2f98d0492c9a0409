"""The step that trains the diagnosis, where faults are not grouped."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path
for name in ("tensorflow", "keras"):
    sys.modules[name] = None
from stethoscope.monitoring.extract import extract_recordings
from stethoscope.diagnosis.grouping import find_groups
from stethoscope.diagnosis.model import skip_reason
from stethoscope.diagnosis.options import FAULT_FIT, FaultOptions
from stethoscope.diagnosis.train import fit_diagnosis
from stethoscope.datasets.layouts import index
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
archive, folder = map(Path, sys.argv[1:])
options = FaultOptions(groups=0)
_, store = extract_recordings(
    [archive],
    index([archive]),
    log_mel=LogMel(),
    cepstrum=Mfcc(),
    features=folder / "features",
    cepstra=folder / "cepstra",
    sounds=folder / "sounds",
    diagnoses=False,
)
find_groups(folder / "cepstra", options, folder / "groups")
fit = FAULT_FIT.of({"class_epochs": 3, "seed": 1})
fit_diagnosis(folder / "cepstra", folder / "groups", fit, folder / "model")
print(len(store.clips), skip_reason(folder / "model"))
"""


def test_without_groups_nothing_is_computed_and_no_tensorflow_loaded(
    fan_archive: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, fan_archive, tmp_path],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.fail(done.stderr)
    assert done.stdout.startswith("0 fault_groups is 0")
    assert "warning: class_epochs: not used, because nothing is diagnosed" in done.stderr
