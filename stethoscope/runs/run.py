"""A run on this computer, from the compiled pipeline to a folder of results."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from stethoscope import __version__
from stethoscope.errors import ParameterError
from stethoscope.files import write_json
from stethoscope.kubeflow.compiled import read_spec
from stethoscope.kubeflow.local import run_locally
from stethoscope.kubeflow.parameters import cast_values, parameters_of, read_parameters
from stethoscope.options import split_list
from stethoscope.runs.pipelines import compiled_file, results_of
from stethoscope.terminal import text_table


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
    durations, warnings) and ``run.log`` (everything that the steps printed).

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
        If a step fails.
    """
    source = source or compiled_file(name)
    spec = read_spec(source)
    parameters = parameters_of(spec)
    given = cast_values(parameters, values)
    if "dataset_url" in given:
        given["dataset_url"] = absolute(given["dataset_url"])
    settings = {key: given.get(key, one.default) for key, one in parameters.items()}
    output = _make_folder(output or Path("runs") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}")
    data = f" on {settings['dataset_url']}" if "dataset_url" in settings else ""
    print(f"Running {name}{data}; results go to {output}")

    started = time.monotonic()
    done = run_locally(source, given, work=output / "work", log=output / "run.log")
    results = results_of(spec, done.outputs)
    summary = {
        "pipeline": name,
        "version": __version__,
        "finished": datetime.now().astimezone().isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started, 1),
        "steps": {step: round(seconds, 1) for step, seconds in done.seconds.items()},
        "settings": settings,
        **results.write(done.outputs, output),
        "warnings": done.warnings,
    }
    write_json(output / "summary.json", summary)
    if not keep:
        shutil.rmtree(output / "work", ignore_errors=True)
    print_closing(results.closing_lines(summary, output), done.warnings)
    print(f"Done in {summary['seconds']:.0f} s.")
    return summary


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


def describe_parameters(pipeline: str) -> str:
    """Return the parameters of a pipeline, one per line: name, default, description."""
    rows = [
        (one.name, json.dumps(one.default), one.description)
        for one in read_parameters(compiled_file(pipeline)).values()
    ]
    return "\n".join(text_table(rows, align="<<<"))


def _make_folder(output: Path) -> Path:
    if output.exists() and not output.is_dir():
        raise ParameterError(f"--output {output} is a file; name a folder")
    output = output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    return output
