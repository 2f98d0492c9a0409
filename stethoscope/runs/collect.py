"""From a copy of what a run on a cluster left in the artifact store to a folder of results, laid
out as a local run's.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stethoscope import __version__
from stethoscope.errors import DatasetError, ParameterError
from stethoscope.files import write_json
from stethoscope.kubeflow.compiled import read_spec
from stethoscope.runs.run import compiled, pipeline_named


def collect(name: str, copied: Path, output: Path) -> dict[str, Any]:
    """Lay out the results of a run.

    Parameters
    ----------
    name : str
        Name of the pipeline.
    copied : Path
        Copy of the run's folder in the artifact store, in which each step has a folder of its name;
        its outputs lie in that folder, or in one of an attempt inside it, of which the newest
        counts.
    output : Path
        Folder for the results.

    Returns
    -------
    dict
        The content of ``summary.json``.

    Raises
    ------
    DatasetError
        If an output of the pipeline is not there.
    """
    pipeline = pipeline_named(name)
    if not copied.is_dir():
        raise ParameterError(
            f"{copied}: is no folder; copy the run's folder from the artifact store first"
        )
    outputs = {
        key: _newest(copied, task, artifact)
        for key, task, artifact in _selected(read_spec(compiled(name)))
    }
    output.mkdir(parents=True, exist_ok=True)
    summary = {
        "pipeline": name,
        "version": __version__,
        **pipeline.lay_out(outputs, output),
        "warnings": [],
    }
    write_json(output / "summary.json", summary)
    print(pipeline.describe(summary, output))
    return summary


def _selected(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each output of a pipeline with the task and the artifact that it comes from."""
    for key, output in spec["root"]["dag"]["outputs"]["artifacts"].items():
        [selector] = output["artifactSelectors"]
        yield key, selector["producerSubtask"], selector["outputArtifactKey"]


def _newest(copied: Path, task: str, artifact: str) -> Path:
    places = [
        path / artifact
        for path in (copied / task, *(copied / task).glob("*/"))
        if (path / artifact).exists()
    ]
    if not places:
        raise DatasetError(
            f"{copied}: holds no {artifact} of the step {task}; copy the whole folder, or that of the earlier run whose result was reused"
        )
    return max(places, key=lambda place: place.stat().st_mtime)
