"""The client of a cluster against a server that checks what the real one checks."""

from pathlib import Path
from typing import Any

import pytest

from stethoscope.errors import ParameterError
from stethoscope.kubeflow import cluster
from stethoscope.kubeflow.cluster import Cluster, RunRequest, Version
from stethoscope.kubeflow.compiled import display_names
from stethoscope.kubeflow.connection import ClusterError, Connection
from stethoscope.runs.pipelines import compiled_file
from tests.kubeflow.fake_server import Kubeflow


def reach(kubeflow: Kubeflow, **others: str) -> Cluster:
    return Cluster(Connection(host=kubeflow.host, **others))


def upload(there: Cluster) -> Version:
    return there.upload(compiled_file("main"), name="p")


def request(**changes: Any) -> RunRequest:
    return RunRequest(**{"name": "r", "experiment": "e", "parameters": {}, **changes})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0.0)


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
def test_refusal_of_the_server_is_one_line(kubeflow: Kubeflow, parameters: dict[str, Any]) -> None:
    there = reach(kubeflow)
    version = upload(there)
    with pytest.raises(ClusterError, match=r"refuses: 400 .*parameter") as caught:
        there.start(version, request(parameters=parameters))
    assert "\n" not in str(caught.value)
    assert not kubeflow.runs


@pytest.mark.parametrize("login", [{"token": "secret"}, {"cookies": "authservice_session=abc"}])
def test_server_with_login_needs_token_or_cookies(login: dict[str, str]) -> None:
    guarded = Kubeflow(**login)
    try:
        with pytest.raises(ClusterError, match=r"401 .* give a token by --token, or the cookies"):
            reach(guarded)
        upload(reach(guarded, **login))
        assert len(guarded.pipelines) == 1
    finally:
        guarded.close()


def test_everything_of_a_user_goes_into_the_users_namespace() -> None:
    shared = Kubeflow(multi_user=True)
    try:
        with pytest.raises(ClusterError, match="name your namespace by --namespace"):
            reach(shared)
        there = reach(shared, namespace="anna", server_namespace="kfp")
        version = upload(there)
        there.start(version, request())
        there.schedule(version, "0 0 3 * * *", request())
        assert [one.name for one in there.schedules()] == ["r"]
        [pipeline], [experiment] = shared.pipelines.values(), shared.experiments.values()
        assert pipeline["namespace"] == experiment["namespace"] == "anna"
    finally:
        shared.close()


def test_namespace_of_the_server_is_not_taken_for_the_users(kubeflow: Kubeflow) -> None:
    there = reach(kubeflow, server_namespace="kfp")
    there.start(upload(there), request())
    [experiment] = kubeflow.experiments.values()
    assert not experiment.get("namespace")


def test_host_without_a_server_is_named() -> None:
    with pytest.raises(ClusterError, match=r"no Kubeflow answers at http://127\.0\.0\.1:9"):
        Cluster(Connection(host="http://127.0.0.1:9"))


def test_host_that_is_no_address_is_refused() -> None:
    with pytest.raises(ParameterError, match="host is 'localhost:8080'"):
        Cluster(Connection(host="localhost:8080"))


def test_file_of_certificates_that_is_absent_is_refused(kubeflow: Kubeflow) -> None:
    with pytest.raises(ParameterError, match=r"--ca-cert absent\.pem"):
        Cluster(Connection(host="https://127.0.0.1:9", ca_cert="absent.pem"))


def test_newest_is_the_version_uploaded_last(kubeflow: Kubeflow, tmp_path: Path) -> None:
    there = reach(kubeflow)
    with pytest.raises(ClusterError, match="has no pipeline 'p'"):
        there.newest("p")
    first = upload(there)
    other = tmp_path / "other.yaml"
    other.write_text(
        compiled_file("main").read_text().replace("defaultValue: 100.0", "defaultValue: 7.0")
    )
    second = there.upload(other, name="p")
    assert second.new
    assert there.newest("p").version_id == second.version_id
    parameters = there.newest("p").spec["root"]["inputDefinitions"]["parameters"]
    assert parameters["fit_epochs"]["defaultValue"] == 7.0
    assert there.version(first.pipeline_id, first.version_id).name == first.name


def test_uploading_twice_makes_one_version(kubeflow: Kubeflow) -> None:
    first, second = upload(reach(kubeflow)), upload(reach(kubeflow))
    assert (first.new, second.new) == (True, False)
    assert first.version_id == second.version_id
    assert len(kubeflow.pipelines) == len(kubeflow.versions) == 1


def test_run_has_the_root_and_the_experiment_that_are_given(kubeflow: Kubeflow) -> None:
    there = reach(kubeflow)
    version = upload(there)
    there.start(version, request(experiment="first", pipeline_root="s3://bucket/here"))
    [(first, _)] = kubeflow.experiments.items()
    there.start(version, request(experiment="ignored", experiment_id=first))
    one, other = kubeflow.runs.values()
    assert one["runtime_config"]["pipeline_root"] == "s3://bucket/here"
    assert one["experiment_id"] == other["experiment_id"] == first
    assert len(kubeflow.experiments) == 1


def test_schedule_of_the_same_name_is_kept_or_replaced(kubeflow: Kubeflow) -> None:
    there = reach(kubeflow)
    version = upload(there)
    first, outcome = there.schedule(version, "0 0 3 * * *", request(parameters={"seed": 1}))
    assert outcome == "created"
    same = there.schedule(version, "0 0 3 * * *", request(parameters={"seed": 1}))
    assert same == (first, "kept")
    second, outcome = there.schedule(version, "0 0 4 * * *", request(parameters={"seed": 1}))
    assert outcome == "replaced"
    assert set(kubeflow.schedules) == {second}
    there.schedule(version, "0 0 4 * * *", request(name="other"))
    assert len(kubeflow.schedules) == 2


def test_wait_names_the_steps_as_the_user_interface_does(kubeflow: Kubeflow) -> None:
    there = reach(kubeflow)
    version = upload(there)
    lines = list(there.wait(there.start(version, request()), version))
    assert lines[0].split("  ")[0] == "Check parameters and recordings"
    assert lines[0].endswith("running")
    shown = " ".join(lines)
    assert all(name not in shown for name in ("driver", "root", "executor", "x7k2p"))
    ended = [line.removesuffix("succeeded").strip() for line in lines if "succeeded" in line]
    assert sorted(ended) == sorted(display_names(version.spec).values())


def test_failed_steps_are_named_after_the_end_of_their_logs(kubeflow: Kubeflow) -> None:
    there = reach(kubeflow)
    version = upload(there)
    log = "\n".join([*map(str, range(100)), "MemoryError"])
    kubeflow.failing = {"train-detector": log, "report-driver": ""}
    lines: list[str] = []
    message = r"failed: Report \(before its start\), Train detector; look at"
    with pytest.raises(ClusterError, match=message):
        lines.extend(there.wait(there.start(version, request()), version))
    assert lines[-21:-19] == ["End of the log of Train detector:", "    81"]
    assert lines[-1] == "    MemoryError"


def test_wait_survives_a_server_that_is_restarted(
    kubeflow: Kubeflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = reach(kubeflow)
    version = upload(there)
    kubeflow.faults = [503, 500, 429]
    assert list(there.wait(there.start(version, request()), version))
    assert not kubeflow.faults
    monkeypatch.setattr(cluster, "MOST_FAILURES", 2)
    kubeflow.faults = [503] * 5
    with pytest.raises(ClusterError, match=r"503 the server is being restarted"):
        list(there.wait(there.start(version, request()), version))


def test_wait_ends_after_its_time(kubeflow: Kubeflow) -> None:
    there = reach(kubeflow)
    version = upload(there)
    with pytest.raises(ClusterError, match=r"has not ended after 1e-09 s and goes on; look at"):
        list(there.wait(there.start(version, request()), version, timeout=1e-9))
