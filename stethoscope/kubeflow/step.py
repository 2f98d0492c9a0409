"""One step of a local run, in a process of its own: ``python -m stethoscope.kubeflow.step FOLDER``.

The folder is that of the step's outputs. It holds the source of the component and its inputs, which
KFP would give as arguments of a process; there their length is limited.
"""

import os
import sys
import traceback
from pathlib import Path

from stethoscope.errors import StethoscopeError
from stethoscope.files import read_json, sync_folder
from stethoscope.resources import keep_freed_memory
from stethoscope.system import explain

SOURCE = "component.py"
ARGUMENTS = "arguments.json"
FAILED = "step failed: "
"""Begins the line that says why a step failed, its last one."""


def main(folder: Path) -> int:
    """Execute the component of a folder, and return the exit status."""
    keep_freed_memory()
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
    os.environ["_KFP_RUNTIME"] = "true"
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
    sys.exit(main(Path(sys.argv[1])))
