"""`stethoscope submit` and KFP's own client against a server that checks what the real one checks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stethoscope import cli
from stethoscope.cli import main
from stethoscope.errors import ParameterError
from stethoscope.kubeflow import cluster
from stethoscope.kubeflow.cluster import Cluster, ClusterError
from stethoscope.runs.pipelines import compiled_file
from tests.kubeflow.fake_server import Kubeflow


@pytest.fixture
def kubeflow() -> Iterator[Kubeflow]:
    server = Kubeflow()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0.0)


def submit(kubeflow: Kubeflow, *arguments: str) -> int:
    return main(["submit", "--host", kubeflow.host, *arguments])


def test_a_run_is_started_with_cast_parameters(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--dataset-url",
        "dcase2020/fan",
        "-p",
        "fit_epochs=2",
        "-p",
        "max_fpr=0.2",
        "-p",
        "fit_shuffle=false",
    ]
    assert (
        submit(
            kubeflow,
            *arguments,
            "--experiment",
            "fans",
            "--run-name",
            "short",
            "--service-account",
            "runner",
        )
        == 0
    )
    [run] = kubeflow.runs.values()
    assert run["runtime_config"]["parameters"] == {
        "dataset_url": "dcase2020/fan",
        "fit_epochs": 2,
        "max_fpr": 0.2,
        "fit_shuffle": False,
    }
    assert (run["display_name"], run["service_account"]) == ("short", "runner")
    assert kubeflow.experiments[run["experiment_id"]]["display_name"] == "fans"
    assert f"{kubeflow.host}/#/runs/details/{run['run_id']}" in capsys.readouterr().out


def test_the_same_pipeline_is_uploaded_once_and_another_as_a_version(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        assert submit(kubeflow) == 0
    assert (
        submit(kubeflow, "--image", "example.org/stethoscope-python:2", "--gpu", "nvidia.com/gpu")
        == 0
    )
    assert (
        submit(kubeflow, "--image", "example.org/stethoscope-python:2", "--gpu", "nvidia.com/gpu")
        == 0
    )
    assert len(kubeflow.pipelines) == 1
    assert len(kubeflow.experiments) == 1
    assert len(kubeflow.runs) == 5
    newest = list(kubeflow.versions.values())[-1]["pipeline_spec"]["pipeline_spec"]
    assert (
        newest["deploymentSpec"]["executors"]["exec-download"]["container"]["image"]
        == "example.org/stethoscope-python:2"
    )
    assert "is there already" in capsys.readouterr().out.splitlines()[-2]


def test_waiting_shows_the_steps_and_tells_the_outcome(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(kubeflow, "--wait") == 0
    *lines, succeeded, then = capsys.readouterr().out.splitlines()
    assert ["Download", "recordings", "succeeded"] in [line.split() for line in lines]
    [run_id] = kubeflow.runs
    assert f"copy the folder stethoscope/{run_id} from the artifact store" in succeeded
    cli._parser().parse_args(then.split()[1:])
    kubeflow.failing_task = "out of memory"
    assert submit(kubeflow, "--wait") == 1
    error = capsys.readouterr().err
    assert "ended as failed; failed: Train detector (out of memory)" in error
    assert error.count("\n") == 1


def test_a_schedule(kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]) -> None:
    assert submit(kubeflow, "--cron", "0 0 3 * * *", "-p", "fit_epochs=3") == 0
    [schedule] = kubeflow.schedules.values()
    assert schedule["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
    assert schedule["runtime_config"]["parameters"] == {"fit_epochs": 3}
    assert not kubeflow.runs
    assert submit(kubeflow, "--cron", "3 * *") == 2
    assert "cron is '3 * *'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("fit_epochs=two", "fit_epochs is 'two'; it must be a whole number"),
        ("fit_epoch=2", "did you mean fit_epochs?"),
        ("fit_shuffle=maybe", "fit_shuffle is 'maybe'; it must be true or false"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_sent(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str], argument: str, message: str
) -> None:
    assert submit(kubeflow, "-p", argument) == 2
    assert message in capsys.readouterr().err
    assert kubeflow.requests == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"fit_epochs": "2"},
        {"fit_epochs": 2.5},
        {"fit_epoch": 2},
        {"fit_shuffle": 1},
        {"max_fpr": "x"},
    ],
)
def test_what_the_server_refuses_is_one_line(
    kubeflow: Kubeflow, parameters: dict[str, Any]
) -> None:
    there = Cluster(kubeflow.host)
    version = there.upload(compiled_file("main"), name="p")
    with pytest.raises(ClusterError, match=r"refuses: 400 .*parameter") as caught:
        there.start(version, experiment="e", run_name="r", parameters=parameters)
    assert "\n" not in str(caught.value)
    assert not kubeflow.runs


def test_a_token_is_sent_and_its_lack_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = Kubeflow(token="secret")
    try:
        with pytest.raises(ClusterError, match=r"401 .* give a token by --token"):
            Cluster(guarded.host)
        assert submit(guarded, "--token", "secret") == 0
        monkeypatch.setenv("STETHOSCOPE_TOKEN", "secret")
        assert submit(guarded) == 0
        assert len(guarded.runs) == 2
    finally:
        guarded.close()


def test_without_a_server_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "--host", "http://127.0.0.1:9"]) == 1
    assert "no Kubeflow answers at http://127.0.0.1:9" in capsys.readouterr().err
    with pytest.raises(ParameterError, match="host is 'localhost:8080'"):
        Cluster("localhost:8080")


def test_the_newest_version_is_found(kubeflow: Kubeflow, tmp_path: Path) -> None:
    there = Cluster(kubeflow.host)
    with pytest.raises(ClusterError, match="has no pipeline 'p'"):
        there.newest("p")
    there.upload(compiled_file("main"), name="p")
    other = tmp_path / "other.yaml"
    other.write_text(
        compiled_file("main").read_text().replace("defaultValue: 100.0", "defaultValue: 7.0")
    )
    second = there.upload(other, name="p")
    assert second.new
    assert there.newest("p").version_id == second.version_id
    assert (
        there.newest("p").spec["root"]["inputDefinitions"]["parameters"]["fit_epochs"][
            "defaultValue"
        ]
        == 7.0
    )
