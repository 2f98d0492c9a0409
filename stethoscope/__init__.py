"""Anomalous sound detection for machines: training, evaluation and deployment.

The names of ``__all__`` are the interface for Python programs. They are loaded when they are first
used: ``import stethoscope`` alone loads no other module.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stethoscope.api.model import Explanation, Model, load
    from stethoscope.api.run import Run, open_run, run
    from stethoscope.bundle.verdict import Verdict

__version__ = "0.1.0"

__all__ = ["Explanation", "Model", "Run", "Verdict", "load", "open_run", "run"]

_MODULES = {
    "Explanation": "stethoscope.api.model",
    "Model": "stethoscope.api.model",
    "Run": "stethoscope.api.run",
    "Verdict": "stethoscope.bundle.verdict",
    "load": "stethoscope.api.model",
    "open_run": "stethoscope.api.run",
    "run": "stethoscope.api.run",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
