from pathlib import Path

import pytest

from stethoscope.errors import ParameterError
from stethoscope.kubeflow.compiled import artifact_outputs, read_spec
from stethoscope.runs.pipelines import (
    PIPELINES,
    Pipeline,
    compiled_file,
    pipeline_named,
    results_of,
)

ROOT = Path(__file__).resolve().parents[2]


def test_every_pipeline_of_the_project_is_known() -> None:
    programs = {"pipeline.py", *(f"pipelines/{path.name}" for path in ROOT.glob("pipelines/*.py"))}
    assert {pipeline.file.replace(".yaml", ".py") for pipeline in PIPELINES.values()} == programs


@pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)
def test_results_are_made_from_outputs_that_the_pipeline_has(pipeline: Pipeline) -> None:
    results = pipeline.results
    sources = [*results.files, *results.folders, *results.summary.values()]
    outputs = artifact_outputs(read_spec(ROOT / pipeline.file))
    assert {source.partition("/")[0] for source in sources} <= set(outputs)


@pytest.mark.parametrize("name", PIPELINES)
def test_a_specification_has_the_results_of_its_pipeline(name: str) -> None:
    assert results_of(read_spec(compiled_file(name)), []) is PIPELINES[name].results


def test_outputs_of_an_unknown_pipeline_are_copied_under_their_names(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "data").write_text("x")
    outputs = {"note": tmp_path / "work" / "data"}
    results = results_of({"pipelineInfo": {"name": "other"}}, outputs)
    assert results.write(outputs, tmp_path) == {}
    assert (tmp_path / "note").read_text() == "x"
    assert results.closing_lines({}, tmp_path) == [f"Results: {tmp_path}"]


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ParameterError, match="'mian'; choose one of main, detect, event-detection"):
        pipeline_named("mian")
