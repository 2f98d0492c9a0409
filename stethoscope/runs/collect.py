"""A run on a cluster, from a copy of its artifacts to a folder of results."""

from pathlib import Path
from typing import Any

from stethoscope import __version__
from stethoscope.errors import DatasetError, ParameterError
from stethoscope.files import write_json
from stethoscope.kubeflow.compiled import artifact_outputs, read_spec
from stethoscope.runs.pipelines import compiled_file, pipeline_named
from stethoscope.runs.run import print_closing


def collect(name: str, copied: Path, output: Path) -> dict[str, Any]:
    """Write the results of a run on a cluster into a folder, as a local run does.

    Parameters
    ----------
    name : str
        Name of the pipeline.
    copied : Path
        Copy of the run's folder in the artifact store. It holds a folder for each step, named like
        the step. Outputs lie in that folder, or in a folder inside it for each attempt, of which
        the newest counts.
    output : Path
        Folder for the results.

    Returns
    -------
    dict
        The content of ``summary.json``.

    Raises
    ------
    DatasetError
        If an output of the pipeline is missing.
    ParameterError
        If there is no such pipeline, or `copied` is not a folder.
    """
    results = pipeline_named(name).results
    if not copied.is_dir():
        raise ParameterError(
            f"{copied}: is not a folder; copy the run's folder from the artifact store first"
        )
    outputs = {}
    for key, (task, artifact) in artifact_outputs(read_spec(compiled_file(name))).items():
        if place := _newest(copied, task, artifact):
            outputs[key] = place
        elif key not in results.optional:
            raise DatasetError(
                f"{copied}: holds no {artifact} of the step {task}; copy the whole folder, or that "
                "of the earlier run whose result was reused"
            )
    output.mkdir(parents=True, exist_ok=True)
    summary = {
        "pipeline": name,
        "version": __version__,
        **results.write(outputs, output),
        "warnings": [],
    }
    write_json(output / "summary.json", summary)
    print_closing(results.closing_lines(summary, output), [])
    return summary


def _newest(copied: Path, task: str, artifact: str) -> Path | None:
    """Return where the newest attempt of a step left an artifact; None if it left none."""
    folders = (copied / task, *(copied / task).glob("*/"))
    places = [folder / artifact for folder in folders if (folder / artifact).exists()]
    return max(places, key=lambda place: place.stat().st_mtime, default=None)
