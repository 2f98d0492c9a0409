"""Run a compiled pipeline on this computer, one process per step, by KFP's own local runner.

KFP prepares the steps and passes their outputs on. Some of its functions are replaced meanwhile:
that which starts the process of a step, so that it ends with this one and says why it failed; the
cache of outputs, by the journal with which a run is continued; the name of the folder of outputs,
which otherwise has the time in it; the reading of the pipeline, which takes it a third of a second;
the loop over the steps, which would execute independent ones one after the other; and what it does
to logging and `print` for each step, which goes wrong where two steps run at the same time.
"""

import contextlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from stethoscope.errors import StethoscopeError
from stethoscope.files import cache_folder
from stethoscope.kubeflow.compiled import read_spec, tasks_of
from stethoscope.kubeflow.console import Console, plain
from stethoscope.kubeflow.journal import Journal
from stethoscope.kubeflow.order import Plan
from stethoscope.kubeflow.schedule import run_dag, steps_at_once
from stethoscope.kubeflow.step import KFP_RUNTIME
from stethoscope.kubeflow.steps import Steps
from stethoscope.progress import warn
from stethoscope.system import explain
from stethoscope.terminal import typed_path


class RunError(StethoscopeError):
    """A step of a local run failed."""


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A finished run.

    Attributes
    ----------
    outputs : dict of str to Path
        Where each output of the pipeline lies that is an artifact.
    seconds : dict of str to float
        Duration of each step, and of each item of a loop.
    warnings : list of str
        Warnings of all steps, each once.
    taken : int
        Number of steps that an earlier attempt had finished.
    """

    outputs: dict[str, Path]
    seconds: dict[str, float]
    warnings: list[str]
    taken: int


def run_locally(
    compiled: str | os.PathLike[str],
    arguments: Mapping[str, Any],
    *,
    work: Path,
    log: Path,
    salt: str = "",
    terminal: TextIO | None = None,
) -> LocalRun:
    """Run a compiled pipeline and show a line per step.

    Steps that an earlier attempt has finished in the folder `work` are not executed again, unless
    their code, their parameters, `salt` or a step before them has changed.

    Parameters
    ----------
    compiled : path
        The pipeline, YAML.
    arguments : mapping
        Values of its parameters, of the right types.
    work : Path
        Folder for the outputs of the steps.
    log : Path
        File for everything that the steps and the runner print; it is continued.
    salt : str
        What the results depend on beside the pipeline and its arguments.
    terminal : text file, optional
        Where the lines are shown; standard output by default.

    Returns
    -------
    LocalRun

    Raises
    ------
    RunError
        If a step fails. It has the message of the step.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("STETHOSCOPE_CACHE", str(cache_folder()))
    _import_kfp()
    from kfp import local
    from kfp.components import load_component_from_text

    spec = _for_this_computer(Path(compiled))
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(work),
        workspace_root=str(work / "workspace"),
        raise_on_error=True,
    )
    steps = len(spec["root"]["dag"]["tasks"])
    plan = Plan.of(spec) if steps_at_once() > 1 else Plan()
    with (
        _log_file(log) as file,
        Console(file, terminal or sys.stdout, steps) as console,
        Steps(console, Journal(work, salt, console), plan) as runner,
    ):
        try:
            with _captured_by(console), _replaced_in_kfp(runner):
                pipeline = load_component_from_text(json.dumps(spec))
                outputs = dict(pipeline(**arguments).outputs)
        except RuntimeError as error:
            reason = console.failure or plain(str(error))
            raise RunError(
                f"{reason} (everything the steps printed is in {typed_path(log)})"
            ) from error
    if console.log_error:
        warn(f"{log} is not complete: {explain(console.log_error, folders=[log.parent])}")
    artifacts = {name: Path(one.path) for name, one in outputs.items() if hasattr(one, "path")}
    return LocalRun(artifacts, console.seconds, console.warnings, console.taken)


def _import_kfp() -> None:
    """Import KFP without its client for clusters, which takes half a second and 37 MB.

    It is imported when the process uses ``kfp.Client`` later.
    """
    if "kfp" in sys.modules:
        return
    os.environ[KFP_RUNTIME] = "true"
    try:
        import kfp
    finally:
        del os.environ[KFP_RUNTIME]
    import kfp.components
    import kfp.dsl

    kfp.__getattr__ = _client  # PEP 562


def _client(name: str) -> Any:
    """Return what ``kfp`` has under a name that is not there yet."""
    if name == "Client":
        from kfp.client import Client

        return Client
    raise AttributeError(f"module 'kfp' has no attribute {name!r}")


@contextlib.contextmanager
def _log_file(log: Path) -> Iterator[TextIO]:
    """Open the log to continue it; a disk that became full does not matter when it is closed."""
    file = log.open("a", encoding="utf-8")
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):
            file.close()


@contextlib.contextmanager
def _replaced_in_kfp(steps: Steps) -> Iterator[None]:
    """Let KFP use `steps` to start processes and to find out which steps are finished."""
    from kfp.dsl import structures
    from kfp.local import cache, executor_input_utils, logging_utils, subprocess_task_handler
    from kfp.local.orchestrator import dag_orchestrator

    replaced: tuple[tuple[Any, str, Any], ...] = (
        (subprocess_task_handler, "run_local_subprocess", steps.execute),
        (cache, "get_local_cache", lambda: steps.journal),
        (executor_input_utils, "get_local_pipeline_resource_name", lambda _: "steps"),
        (dag_orchestrator, "run_dag", run_dag),
        (structures, "load_documents_from_yaml", lambda text: (json.loads(text), {})),
        (logging_utils, "local_logger_context", contextlib.nullcontext),
        (logging_utils, "indented_print", contextlib.nullcontext),
    )
    originals = [getattr(module, name) for module, name, _ in replaced]
    for module, name, function in replaced:
        setattr(module, name, function)
    try:
        yield
    finally:
        for (module, name, _), original in zip(replaced, originals, strict=True):
            setattr(module, name, original)


@contextlib.contextmanager
def _captured_by(console: "Console") -> Iterator[None]:
    """Send everything that the runner prints and logs to the console."""
    with (
        contextlib.redirect_stdout(console),
        _logging_to(console),
        warnings.catch_warnings(),
    ):
        # Settings for a cluster, such as display names and resources, have no effect here. The
        # runner warns of that for every step.
        warnings.filterwarnings(
            "ignore",
            message=r"Task '.+': settings \[.+\] have no effect in the current local runner",
        )
        yield


@contextlib.contextmanager
def _logging_to(stream: "Console") -> Iterator[None]:
    """Send what the runner logs to `stream` alone, without the handlers of the root logger."""
    root = logging.getLogger()
    others, level = root.handlers[:], root.level
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s - %(levelname)s - %(message)s"))
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = others
        root.setLevel(level)


def _for_this_computer(compiled: Path) -> dict[str, Any]:
    """Return the pipeline without retries, with a cache for every step.

    Here a second attempt would fail as the first did, and the cache is that of one run.
    """
    spec = read_spec(compiled)
    for task in tasks_of(spec):
        task.pop("retryPolicy", None)
        task["cachingOptions"] = {"enableCache": True}
    return spec
