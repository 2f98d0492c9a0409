"""A module that notes the process that imports it, for steps of test pipelines."""

import os
from pathlib import Path

if place := os.environ.get("NOTED_IMPORT"):
    whole = Path(f"{place}.whole")
    whole.write_text(str(os.getpid()))
    whole.rename(place)

WORD = "imported"
