"""A run on this computer, from the compiled pipeline to a folder of results."""

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from stethoscope import __version__
from stethoscope.errors import ParameterError
from stethoscope.files import atomic_folder, read_json, write_text
from stethoscope.kubeflow.compiled import read_spec
from stethoscope.kubeflow.folder import SUMMARY, RunFolder, new_folder
from stethoscope.kubeflow.local import RunError, run_locally
from stethoscope.kubeflow.parameters import cast_values, parameters_of, read_parameters
from stethoscope.options import split_list
from stethoscope.runs.checks import check_here
from stethoscope.runs.identity import code_identity, files_identity
from stethoscope.runs.pipelines import compiled_file, results_of
from stethoscope.terminal import typed_path


def run(
    name: str,
    values: Mapping[str, Any],
    output: Path | None = None,
    *,
    keep: bool = False,
    source: Path | None = None,
) -> dict[str, Any]:
    """Run a pipeline here and write its results into a folder.

    Beside the results of the pipeline, the folder holds ``summary.json`` (settings, figures,
    durations, warnings), ``run.log`` (everything that the steps printed) and ``run.json`` (how far
    the run has come). What an older run left in the folder is deleted.

    Parameters
    ----------
    name : str
        Name of the pipeline.
    values : mapping
        Parameters that differ from their defaults, as values or as text.
    output : Path, optional
        The folder; ``runs/<pipeline>-<time>`` by default.
    keep : bool
        Keep the outputs of all steps, in the folder ``work``.
    source : Path, optional
        The compiled pipeline, if it is not the one that belongs to the name.

    Returns
    -------
    dict
        The content of ``summary.json``.

    Raises
    ------
    ParameterError
        If a parameter is unknown or has a value that cannot work.
    RunError
        If a step fails. The message says how the run is continued.
    """
    compiled = source or compiled_file(name)
    given = _cast(compiled, values)
    check_here(read_spec(compiled), given)
    folder = RunFolder(_make_folder(output) if output else new_folder(Path("runs"), name))
    with folder.locked():
        folder.clear(_result_names(compiled))
        folder.note(pipeline=name, version=__version__, values=given, keep=keep, state="running")
        if source:
            write_text(folder.source, source.read_text(encoding="utf-8"))
        return _execute(folder, name, given, compiled, keep=keep)


def resume(
    output: Path, values: Mapping[str, Any] = MappingProxyType({}), *, keep: bool = False
) -> dict[str, Any]:
    """Continue a run that was stopped or failed.

    Steps that are finished are not repeated, unless their parameters, the code, the recordings or
    a step before them has changed.

    Parameters
    ----------
    output : Path
        Folder of the run.
    values : mapping
        Parameters that are set now to other values than when the run began.
    keep : bool
        Keep the outputs of all steps.

    Returns
    -------
    dict
        The content of ``summary.json``. If the run is finished, and nothing has changed since,
        nothing is run.

    Raises
    ------
    ParameterError
        If the folder is not that of a run, or a parameter is wrong.
    RunError
        If a step fails.
    """
    folder = RunFolder(output.resolve())
    record = folder.record()
    if "pipeline" not in record:
        raise ParameterError(f"--resume {output}: is not the folder of a run; name its --output")
    own = folder.source
    compiled = own if own.exists() else compiled_file(record["pipeline"])
    given = _cast(compiled, {**record["values"], **values})
    check_here(read_spec(compiled), given)
    with folder.locked():
        if record["state"] == "finished" and record.get("key") == _key(compiled, given):
            print(f"{output} is finished, and nothing has changed since; nothing is run")
            return read_json(folder.path / SUMMARY)
        folder.note(values=given, version=__version__, state="running")
        keep = keep or record.get("keep", False)
        return _execute(folder, record["pipeline"], given, compiled, keep=keep)


def _execute(
    folder: RunFolder, name: str, given: Mapping[str, Any], compiled: Path, *, keep: bool
) -> dict[str, Any]:
    """Run a pipeline in its folder, and note there how it ended."""
    settings = _settings(compiled, given)
    data = f" on {settings['dataset_url']}" if "dataset_url" in settings else ""
    print(f"Running {name}{data}; results go to {typed_path(folder.path)}")
    again = (
        f"stethoscope {'sweep' if name == 'sweep' else 'run'} --resume {typed_path(folder.path)}"
    )
    try:
        summary, closing = _run_steps(folder, name, given, compiled)
    except RunError as error:
        _note_failure(folder, str(error))
        raise RunError(f"{error}; continue by `{again}`") from error
    except KeyboardInterrupt:
        print(f"stethoscope: continue by `{again}`", file=sys.stderr)
        raise
    if failed := summary.get("failed"):
        _note_failure(folder, f"{len(failed)} failed")
        closing.append(f"Run those again that failed: {again}")
    else:
        folder.note(state="finished", key=_key(compiled, given))
        if not keep:
            shutil.rmtree(folder.work, ignore_errors=True)
    print_closing(closing, summary["warnings"])
    return summary


def _note_failure(folder: RunFolder, reason: str) -> None:
    with suppress(OSError):  # the disk may be full; the run then counts as stopped
        folder.note(state="failed", reason=reason)


def _run_steps(
    folder: RunFolder, name: str, given: Mapping[str, Any], compiled: Path
) -> tuple[dict[str, Any], list[str]]:
    """Run the steps and write the results; return the summary, and lines to print."""
    started = time.monotonic()
    done = run_locally(compiled, given, work=folder.work, log=folder.log, salt=_salt(given))
    results = results_of(read_spec(compiled), done.outputs)
    with atomic_folder(folder.work / "results") as collected:
        part = results.write(done.outputs, collected)
    summary = {
        "pipeline": name,
        "version": __version__,
        "finished": datetime.now().astimezone().isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started, 1),
        "steps": {step: round(seconds, 1) for step, seconds in done.seconds.items()},
        "settings": _settings(compiled, given),
        **part,
        "warnings": done.warnings,
    }
    folder.publish(folder.work / "results", summary)
    before = f"; {done.taken} steps were finished before" if done.taken else ""
    closing = [
        *results.closing_lines(summary, folder.path),
        f"Done in {summary['seconds']:.0f} s{before}.",
    ]
    return summary, closing


def _cast(compiled: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a pipeline's parameters, with absolute paths."""
    given = cast_values(parameters_of(read_spec(compiled)), values)
    if "dataset_url" in given:
        given["dataset_url"] = absolute(given["dataset_url"])
    return given


def _settings(compiled: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all parameters of a pipeline."""
    parameters = parameters_of(read_spec(compiled))
    return {key: given.get(key, one.default) for key, one in parameters.items()}


def _result_names(compiled: Path) -> list[str]:
    return results_of(read_spec(compiled), ()).names()


def _key(compiled: Path, given: Mapping[str, Any]) -> str:
    """Return what identifies a whole run: pipeline, values, code and recordings."""
    parts = [compiled.read_text(encoding="utf-8"), given, _salt(given)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _salt(given: Mapping[str, Any]) -> str:
    """Return what the results of a run depend on beside the pipeline and its values."""
    return f"{code_identity()} {files_identity(given)}"


def print_closing(lines: Sequence[str], warnings: Sequence[str]) -> None:
    """Print the end of a run: an empty line, the warnings of its steps, and its closing lines."""
    print("\n".join(["", *(f"warning: {text}" for text in warnings), *lines]))


def absolute(dataset_url: str) -> str:
    """Return addresses with relative paths made absolute: steps may run in another folder."""
    if dataset_url and Path(dataset_url).exists():
        return str(Path(dataset_url).resolve())
    return ",".join(
        str(Path(part).resolve()) if Path(part).exists() else part
        for part in split_list(dataset_url)
    )


def describe_parameters(pipeline: str) -> list[tuple[str, str, str]]:
    """Return name, default and description of each parameter of a pipeline."""
    return [
        (one.name, json.dumps(one.default), one.description)
        for one in read_parameters(compiled_file(pipeline)).values()
    ]


def _make_folder(output: Path) -> Path:
    if output.exists() and not output.is_dir():
        raise ParameterError(f"--output {output} is a file; name a folder")
    output = output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    return output
