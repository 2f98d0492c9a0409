"""One step of a local run, in a process: ``python -m stethoscope.kubeflow.step MODULE...``.

The process imports the modules, then reads the path of a folder from standard input and executes
the step of that folder. It can so be started before the steps have ended that this one waits for.

The folder is that of the step's outputs. It holds the source of the component and its inputs, which
KFP would give as arguments of a process; there their length is limited.
"""

import contextlib
import importlib
import json
import os
import select
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from stethoscope.errors import StethoscopeError
from stethoscope.files import read_json, sync_folder
from stethoscope.resources import keep_freed_memory
from stethoscope.system import explain

SOURCE = "component.py"
ARGUMENTS = "arguments.json"
FAILED = "step failed: "
"""Begins the line that says why a step failed, its last one."""
KFP_RUNTIME = "_KFP_RUNTIME"
"""Environment variable in which "true" lets KFP import only what the process of a step needs."""
LATER = "IMPORTED_LATER"
"""Name of a tuple of modules that a module imports only once it needs them."""


def main(modules: Sequence[str]) -> int:
    """Import modules, execute the component of the folder that is given then, return the status."""
    keep_freed_memory()
    os.environ[KFP_RUNTIME] = "true"
    _import(["kfp.dsl.executor_main", *modules])
    line = sys.stdin.readline()
    return _run(Path(json.loads(line))) if line else 0  # no line: the step is not needed


def _import(modules: Sequence[str]) -> None:
    """Import modules, and as long as there is time those that they import later.

    A step that need not wait imports these only if it needs them. It reports itself what fails.
    """
    with contextlib.suppress(Exception):
        for name in modules:
            module = importlib.import_module(name)
            if not select.select([sys.stdin], [], [], 0)[0]:
                _import(getattr(module, LATER, ()))


def _run(folder: Path) -> int:
    """Execute the component of a folder, and return the exit status."""
    try:
        _execute(folder)
        sync_folder(folder)
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else 1
    except BaseException as error:
        text = _describe(error, folder)
        traceback.print_exc()
        print(FAILED + text, file=sys.stderr, flush=True)
        return 1
    return 0


def _execute(folder: Path) -> None:
    sys.argv[1:] = ["--component_module_path", str(folder / SOURCE)]
    sys.argv += read_json(folder / ARGUMENTS)["arguments"]
    from kfp.dsl.executor_main import executor_main

    executor_main()


def _describe(error: BaseException, folder: Path) -> str:
    """Return in one line why a step failed."""
    if isinstance(error, StethoscopeError):
        text = str(error)
    elif isinstance(error, KeyboardInterrupt):
        text = "interrupted"
    else:
        text = explain(error, folders=[folder]) or f"{type(error).__name__}: {error}"
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
