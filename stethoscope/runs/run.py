"""A run on this computer, from the compiled pipeline to a folder of results."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from stethoscope import __version__
from stethoscope.classification import summary as class_results
from stethoscope.errors import ParameterError
from stethoscope.events import summary as event_results
from stethoscope.files import packaged_file, write_json
from stethoscope.kubeflow.compiled import read_spec
from stethoscope.kubeflow.local import run_locally
from stethoscope.kubeflow.parameters import check_parameters, read_parameters
from stethoscope.monitoring import summary as detection
from stethoscope.sweep import leaderboard


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline that the command line knows.

    Attributes
    ----------
    file : str
        The compiled pipeline, from the root of the project.
    lay_out : callable
        Copies the artifacts that the pipeline puts out, found by their names, into the folder of
        the results, and returns what ``summary.json`` says of them. Under the key ``failed`` it
        lists what failed without stopping the run.
    describe : callable
        Turns the summary and that folder into what a person wants to know at the end, in a few
        lines.
    """

    file: str
    lay_out: Callable[[Mapping[str, Path], Path], dict[str, Any]]
    describe: Callable[[Mapping[str, Any], Path], str]


def _copy_outputs(outputs: Mapping[str, Path], folder: Path) -> dict[str, Any]:
    for name, path in outputs.items():
        if path.is_dir():
            shutil.copytree(path, folder / name, dirs_exist_ok=True)
        else:
            shutil.copy2(path, folder / name)
    return {}


ANY_OTHER = Pipeline("", _copy_outputs, lambda _, folder: f"Look into {folder}")
"""A pipeline that is not known here: its outputs lie in the folder under their names."""

PIPELINES = {
    "main": Pipeline("pipeline.yaml", detection.lay_out, detection.describe),
    "event-detection": Pipeline(
        "pipelines/event_detection.yaml", event_results.lay_out, event_results.describe
    ),
    "sound-classification": Pipeline(
        "pipelines/sound_classification.yaml", class_results.lay_out, class_results.describe
    ),
    "sweep": Pipeline("pipelines/sweep.yaml", leaderboard.lay_out, leaderboard.describe),
}
"""The pipelines by name."""


def pipeline_named(name: str) -> Pipeline:
    """Return the pipeline of a name.

    Raises
    ------
    ParameterError
        If there is none.
    """
    if name not in PIPELINES:
        raise ParameterError(f"pipeline is {name!r}; choose one of {', '.join(PIPELINES)}")
    return PIPELINES[name]


def compiled(name: str) -> Path:
    """Return the compiled pipeline of a name; the errors are those of :func:`pipeline_named`."""
    return packaged_file(pipeline_named(name).file)


def pipeline_of(spec: Mapping[str, Any]) -> Pipeline:
    """Return the pipeline that a specification is of, by the name that stands in it."""
    name = spec["pipelineInfo"]["name"]
    known = (
        one
        for one in PIPELINES.values()
        if read_spec(packaged_file(one.file))["pipelineInfo"]["name"] == name
    )
    return next(known, ANY_OTHER)


def run(
    name: str,
    values: Mapping[str, Any],
    output: Path | None = None,
    *,
    keep: bool = False,
    source: Path | None = None,
) -> dict[str, Any]:
    """Run a pipeline here and lay its results out in a folder.

    Beside what the pipeline lays out, the folder holds ``summary.json`` (settings, figures,
    durations, warnings) and ``run.log`` (all that the steps printed).

    Parameters
    ----------
    name : str
        Name of the pipeline.
    values : mapping
        Parameters that differ from their defaults, as values or as text.
    output : Path, optional
        The folder; ``runs/<pipeline>-<time>`` by default.
    keep : bool
        Keep what the steps handed to each other, in the folder ``work``.
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
    pipeline = pipeline_of(read_spec(source)) if source else pipeline_named(name)
    source = source or compiled(name)
    parameters = read_parameters(source)
    given = check_parameters(parameters, values)
    if "dataset_url" in given:
        given["dataset_url"] = absolute(given["dataset_url"])
    output = output or Path("runs") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    if output.exists() and not output.is_dir():
        raise ParameterError(f"--output {output} is a file; name a folder")
    output = output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    settings = {key: given.get(key, one.default) for key, one in parameters.items()}
    print(
        f"Running {name}"
        + (f" on {settings['dataset_url']}" if "dataset_url" in settings else "")
        + f"; results go to {output}"
    )

    started = time.monotonic()
    work = output / "work"
    outputs, console = run_locally(source, given, work=work, log=output / "run.log")
    summary = {
        "pipeline": name,
        "version": __version__,
        "finished": datetime.now().astimezone().isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started, 1),
        "steps": {step: round(seconds, 1) for step, seconds in console.seconds.items()},
        "settings": settings,
        **pipeline.lay_out(
            {key: Path(one.path) for key, one in outputs.items() if hasattr(one, "path")}, output
        ),
        "warnings": console.warnings,
    }
    write_json(output / "summary.json", summary)
    if not keep:
        shutil.rmtree(work, ignore_errors=True)
    print(
        "\n".join(
            [
                "",
                *(f"warning: {text}" for text in console.warnings),
                pipeline.describe(summary, output),
            ]
        )
    )
    print(f"Done in {summary['seconds']:.0f} s.")
    return summary


def absolute(dataset_url: str) -> str:
    """Return the addresses with relative paths made absolute: the steps need not run in this
    folder.
    """
    if dataset_url and Path(dataset_url).exists():
        return str(Path(dataset_url).resolve())
    parts = [part.strip() for part in dataset_url.split(",")]
    return ",".join(
        str(Path(part).resolve()) if part and Path(part).exists() else part for part in parts
    )


def describe_parameters(pipeline: str) -> str:
    """Return the parameters of a pipeline, one per line: name, type, default, description."""
    rows = read_parameters(compiled(pipeline)).values()
    width = max(len(one.name) for one in rows)
    return "\n".join(
        f"{one.name:<{width}}  {json.dumps(one.default):<20}  {one.description}" for one in rows
    )
