"""The command `sweep` against a server; a sweep here is tested with the pipeline."""

import pytest

from stethoscope.cli import main
from stethoscope.sweep.items import plan
from tests.kubeflow.fake_server import Kubeflow


def test_submitted_sweep_is_one_run(kubeflow: Kubeflow) -> None:
    arguments = [
        "sweep",
        "--machines",
        "dcase2020",
        "--grid",
        "seed=1,2",
        "-p",
        "fit_epochs=3",
        "--submit",
        "--host",
        kubeflow.host,
    ]
    assert main([*arguments, "--parallelism", "6", "--workspace", "20Gi"]) == 0
    [run] = kubeflow.runs.values()
    parameters = run["runtime_config"]["parameters"]
    assert len(parameters["machines"]) == 6
    assert parameters["grid"] == {"seed": ["1", "2"]}
    assert len(plan(parameters["machines"], parameters["grid"])) == 12
    [version] = kubeflow.versions.values()
    tasks = version["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"]
    assert [one["iteratorPolicy"] for one in tasks.values() if "iteratorPolicy" in one] == [
        {"parallelismLimit": 6}
    ]


def test_separate_runs_are_started_in_one_experiment(kubeflow: Kubeflow) -> None:
    arguments = [
        "sweep",
        "--machines",
        "dcase2020/fan",
        "dcase2020/pump",
        "--grid",
        "seed=1,2",
        "--submit",
        "--separate-runs",
    ]
    assert main([*arguments, "--host", kubeflow.host, "--experiment", "seeds"]) == 0
    assert [run["display_name"] for run in kubeflow.runs.values()] == [
        "fan-1",
        "fan-2",
        "pump-1",
        "pump-2",
    ]
    assert [run["runtime_config"]["parameters"]["seed"] for run in kubeflow.runs.values()] == [
        1,
        2,
        1,
        2,
    ]
    assert len(kubeflow.experiments) == 1


def test_wrong_sweep_is_refused_before_anything_is_sent(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["sweep", "--machines", "dcase2020/fan", "--submit", "--host", kubeflow.host]
    assert main([*arguments, "--grid", "seeds=1,2"]) == 2
    assert "did you mean seed?" in capsys.readouterr().err
    assert main([*arguments, "--grid", "seed=[1,"]) == 2
    assert "not a JSON list" in capsys.readouterr().err
    assert kubeflow.requests == []
