"""`stethoscope submit` against a server that checks what the real one checks."""

import json

import pytest

from stethoscope import cli
from stethoscope.cli import main
from stethoscope.kubeflow import cluster
from tests.kubeflow.fake_server import Kubeflow


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0.0)


IMAGE = "registry.example.org/stethoscope-python:0.1.0"


def submit(kubeflow: Kubeflow, *arguments: str) -> int:
    return main(["submit", "--host", kubeflow.host, "--image", IMAGE, *arguments])


def test_submit_casts_parameters_and_starts_a_run(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["fit_epochs=2", "max_fpr=0.2", "fit_shuffle=false"]
    parameters = [part for one in given for part in ("-p", one)]
    names = ["--experiment", "fans", "--run-name", "short", "--service-account", "runner"]
    assert submit(kubeflow, "--dataset-url", "dcase2020/fan", *parameters, *names) == 0
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


def test_submit_uploads_a_pipeline_once_and_a_changed_one_as_a_version(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        assert submit(kubeflow) == 0
    image = "example.org/stethoscope-python:2"
    for _ in range(2):
        assert submit(kubeflow, "--image", image, "--gpu", "nvidia.com/gpu") == 0
    assert len(kubeflow.pipelines) == 1
    assert len(kubeflow.experiments) == 1
    assert len(kubeflow.runs) == 5
    newest = list(kubeflow.versions.values())[-1]["pipeline_spec"]["pipeline_spec"]
    executors = newest["deploymentSpec"]["executors"]
    assert executors["exec-download"]["container"]["image"] == image
    assert "is there already" in capsys.readouterr().out.splitlines()[-2]


def test_wait_shows_the_steps_and_ends_with_status_1_after_a_failure(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(kubeflow, "--wait") == 0
    *lines, then, command = capsys.readouterr().out.splitlines()
    assert ["Download", "recordings", "succeeded"] in [line.split() for line in lines]
    [run_id] = kubeflow.runs
    assert f"copy the folder stethoscope/{run_id} from the artifact store" in then
    cli._parser().parse_args(command.split()[1:])
    kubeflow.failing = {"train-detector": "out of memory"}
    assert submit(kubeflow, "--wait") == 1
    printed = capsys.readouterr()
    assert "End of the log of Train detector:\n    out of memory" in printed.out
    assert "ended as failed; failed: Train detector; look at" in printed.err
    assert printed.err.count("\n") == 1


def test_cron_starts_a_schedule_and_no_run(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(kubeflow, "--cron", "0 0 3 * * *", "-p", "fit_epochs=3") == 0
    [schedule] = kubeflow.schedules.values()
    assert schedule["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
    assert schedule["runtime_config"]["parameters"] == {"fit_epochs": 3}
    assert not kubeflow.runs
    capsys.readouterr()
    assert submit(kubeflow, "--cron", "0 0 3 * * *", "-p", "fit_epochs=3") == 0
    assert "Schedule main kept:" in capsys.readouterr().out
    assert submit(kubeflow, "--cron", "3 * *") == 2
    assert "cron is '3 * *'" in capsys.readouterr().err


def test_schedules_are_listed_and_deleted(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    server = ["--host", kubeflow.host]
    assert main(["schedules", *server]) == 0
    assert "no schedules" in capsys.readouterr().out
    assert submit(kubeflow, "--cron", "0 0 3 * * 1", "-p", "seed=3") == 0
    [schedule_id] = kubeflow.schedules
    capsys.readouterr()
    assert main(["schedules", *server]) == 0
    _, line = capsys.readouterr().out.splitlines()
    for part in (schedule_id, "main", "0 0 3 * * 1", "enabled", '{"seed": 3}'):
        assert part in line
    assert main(["schedules", *server, "--delete", schedule_id]) == 0
    assert not kubeflow.schedules
    assert main(["schedules", *server, "--delete", schedule_id]) == 1


def test_version_by_its_id_is_run_and_nothing_uploaded(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(kubeflow) == 0
    assert submit(kubeflow, "--gpu", "nvidia.com/gpu") == 0
    [pipeline], [first, second] = kubeflow.pipelines, kubeflow.versions
    assert submit(kubeflow, "--pipeline-id", pipeline, "--version-id", first) == 0
    assert submit(kubeflow, "--pipeline-id", pipeline, "-p", "seed=2") == 0
    used = [
        run["pipeline_version_reference"]["pipeline_version_id"] for run in kubeflow.runs.values()
    ]
    assert used == [first, second, first, second]
    assert len(kubeflow.versions) == 2
    assert submit(kubeflow, "--version-id", first) == 2
    assert "--version-id needs the pipeline's id" in capsys.readouterr().err


def test_uploaded_pipeline_carries_its_description_and_the_help_of_its_parameters(
    kubeflow: Kubeflow,
) -> None:
    assert submit(kubeflow) == 0
    [pipeline] = kubeflow.pipelines.values()
    assert pipeline["description"].startswith("Learn the normal sound of a machine")
    assert "\nmax_fpr (0.1): Largest false-positive rate" in pipeline["description"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("fit_epochs=two", "fit_epochs is 'two'; it must be a whole number"),
        ("fit_epoch=2", "did you mean fit_epochs?"),
        ("fit_shuffle=maybe", "fit_shuffle is 'maybe'; it must be true or false"),
        ("fit_epochs=0", "fit_epochs is 0; it must be at least 1"),
        ("dataset_url=week.zip", "dataset_url is 'week.zip', which is on this computer"),
        ("dataset_url=file:///data/a.zip", "which is on this computer"),
        ("dataset_url=simulated/fan,/data/a.zip", "dataset_url is '/data/a.zip', which is on"),
        ("dataset_url=dcase2020/pum", "dcase2020/pum: no such file or folder"),
        ("dataset_md5=1", "dataset_md5 is '1'"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_sent(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str], argument: str, message: str
) -> None:
    assert submit(kubeflow, "-p", argument) == 2
    assert message in capsys.readouterr().err
    assert kubeflow.requests == []


def test_paths_on_a_volume_of_the_cluster_are_accepted(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    volume = ("--volume", "recordings:/data/")
    assert submit(kubeflow, "-p", "dataset_url=/data/week.zip,file:///data/x/b.zip", *volume) == 0
    assert submit(kubeflow, "-p", "dataset_url=/data/../week.zip", *volume) == 2
    assert "which is on this computer" in capsys.readouterr().err
    assert submit(kubeflow, "--volume", "recordings:data") == 2
    assert "give the name of an existing claim" in capsys.readouterr().err
    assert len(kubeflow.runs) == 1


def test_credentials_of_a_secret_are_named_but_not_sent(
    kubeflow: Kubeflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    assert submit(kubeflow, "-p", "dataset_url=s3://b/week.zip", "--secret", "store") == 0
    sent = json.dumps([kubeflow.runs, kubeflow.versions], default=str)
    assert "AWS_SECRET_ACCESS_KEY" in sent
    assert "hidden" not in sent


def test_token_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = Kubeflow(token="secret")
    try:
        assert submit(guarded, "--token", "secret") == 0
        monkeypatch.setenv("STETHOSCOPE_TOKEN", "secret")
        assert submit(guarded) == 0
        assert len(guarded.runs) == 2
    finally:
        guarded.close()


def test_wrong_settings_are_refused_before_anything_is_sent(
    kubeflow: Kubeflow, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(kubeflow, "--workspace", "big") == 2
    assert "workspace is 'big'" in capsys.readouterr().err
    assert kubeflow.requests == []
