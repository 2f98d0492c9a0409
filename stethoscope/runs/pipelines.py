"""The pipelines of the command line, by name."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stethoscope.classification.summary
import stethoscope.events.summary
import stethoscope.monitoring.summary
import stethoscope.sweep.summary
from stethoscope.classification.options import CLASSIFICATION
from stethoscope.errors import ParameterError
from stethoscope.events.options import EVENTS
from stethoscope.files import packaged_file
from stethoscope.kubeflow.results import Results
from stethoscope.monitoring.options import DETECT, MONITORING
from stethoscope.options import ParameterSet
from stethoscope.terminal import typed_path


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline.

    Attributes
    ----------
    name : str
        Its name on the command line.
    file : str
        The compiled pipeline, from the root of the project. The Python file beside it has the same
        name.
    results : Results
        What the folder of results holds.
    parameters : ParameterSet
        Definitions of its parameters; empty for the sweep, which has lists instead of values.
    """

    name: str
    file: str
    results: Results
    parameters: ParameterSet

    @property
    def cluster_name(self) -> str:
        """The name under which ``stethoscope submit`` uploads it to a cluster."""
        return "stethoscope" if self.name == "main" else f"stethoscope-{self.name}"


PIPELINES = {
    pipeline.name: pipeline
    for pipeline in (
        Pipeline("main", "pipeline.yaml", stethoscope.monitoring.summary.RESULTS, MONITORING),
        Pipeline("detect", "pipelines/detect.yaml", stethoscope.monitoring.summary.RESULTS, DETECT),
        Pipeline(
            "event-detection",
            "pipelines/event_detection.yaml",
            stethoscope.events.summary.RESULTS,
            EVENTS,
        ),
        Pipeline(
            "sound-classification",
            "pipelines/sound_classification.yaml",
            stethoscope.classification.summary.RESULTS,
            CLASSIFICATION,
        ),
        Pipeline(
            "sweep", "pipelines/sweep.yaml", stethoscope.sweep.summary.RESULTS, ParameterSet()
        ),
    )
}
"""All pipelines by name. A new pipeline is added here."""


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


def compiled_file(name: str) -> Path:
    """Return the compiled pipeline of a name; the errors are those of :func:`pipeline_named`."""
    return packaged_file(pipeline_named(name).file)


def pipeline_of(spec: Mapping[str, Any]) -> Pipeline | None:
    """Return the pipeline of `PIPELINES` that a specification belongs to, by its name, if any."""
    name = spec["pipelineInfo"]["name"]
    for pipeline in PIPELINES.values():
        with packaged_file(pipeline.file).open(encoding="utf-8") as file:
            if f"# Name: {name}\n" in itertools.islice(file, 3):  # KFP's heading
                return pipeline
    return None


def results_of(spec: Mapping[str, Any], outputs: Iterable[str]) -> Results:
    """Return what the folder of results of a pipeline holds.

    For a specification of no pipeline of `PIPELINES`, each output is copied under its own name.

    Parameters
    ----------
    spec : mapping
        Specification of the pipeline.
    outputs : iterable of str
        Names of its outputs that are artifacts.
    """
    if pipeline := pipeline_of(spec):
        return pipeline.results
    return Results(
        files={output: output for output in outputs},
        closing_lines=lambda _, folder: [f"Results: {typed_path(folder)}"],
    )
