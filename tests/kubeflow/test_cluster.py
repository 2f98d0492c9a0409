"""The client of a cluster against a server that checks what the real one checks."""

from pathlib import Path
from typing import Any

import pytest

from stethoscope.errors import ParameterError
from stethoscope.kubeflow.cluster import Cluster, ClusterError
from stethoscope.runs.pipelines import compiled_file
from tests.kubeflow.fake_server import Kubeflow


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
    there = Cluster(kubeflow.host)
    version = there.upload(compiled_file("main"), name="p")
    with pytest.raises(ClusterError, match=r"refuses: 400 .*parameter") as caught:
        there.start(version, experiment="e", run_name="r", parameters=parameters)
    assert "\n" not in str(caught.value)
    assert not kubeflow.runs


def test_server_with_login_needs_the_token() -> None:
    guarded = Kubeflow(token="secret")
    try:
        with pytest.raises(ClusterError, match=r"401 .* give a token by --token"):
            Cluster(guarded.host)
        Cluster(guarded.host, token="secret").upload(compiled_file("main"), name="p")
        assert len(guarded.pipelines) == 1
    finally:
        guarded.close()


def test_host_without_a_server_is_named() -> None:
    with pytest.raises(ClusterError, match=r"no Kubeflow answers at http://127\.0\.0\.1:9"):
        Cluster("http://127.0.0.1:9")


def test_host_that_is_no_address_is_refused() -> None:
    with pytest.raises(ParameterError, match="host is 'localhost:8080'"):
        Cluster("localhost:8080")


def test_newest_is_the_version_uploaded_last(kubeflow: Kubeflow, tmp_path: Path) -> None:
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
    parameters = there.newest("p").spec["root"]["inputDefinitions"]["parameters"]
    assert parameters["fit_epochs"]["defaultValue"] == 7.0
