"""Commands that deal with a Kubeflow cluster: submit, collect."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from stethoscope.commands import Add
from stethoscope.commands.run import (
    add_cluster_options,
    add_parameters,
    cluster_options,
    given_parameters,
)

if TYPE_CHECKING:
    from stethoscope.kubeflow.cluster import Cluster


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add("submit", _submit, "run a pipeline on a Kubeflow cluster")
    add_parameters(one)
    add_server_options(one)
    one.add_argument("--experiment", default="stethoscope", help="default: stethoscope")
    one.add_argument("--run-name", help="default: the pipeline and the data set")
    one.add_argument(
        "--cron",
        metavar="FIELDS",
        help="start again and again: six fields, '0 0 3 * * *' is every night at three",
    )
    one.add_argument(
        "--wait",
        action="store_true",
        help="show the steps until the run has ended; the exit status tells how",
    )
    add_cluster_options(one)

    one = add(
        "collect",
        _collect,
        "lay out what a run on a cluster left in the artifact store as a local run's results",
    )
    one.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="copy of the run's folder, with a folder per step",
    )
    one.add_argument("--pipeline", default="main", help="name of the pipeline (default: main)")
    one.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder for the results"
    )


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the cluster is."""
    group = parser.add_argument_group("cluster")
    group.add_argument(
        "--host",
        default="",
        help="address of Kubeflow Pipelines; by default this cluster, or kubectl's",
    )
    group.add_argument(
        "--namespace", default="", help="Kubernetes namespace, where several users share a cluster"
    )
    group.add_argument(
        "--token",
        default="",
        help="bearer token; by default the environment variable STETHOSCOPE_TOKEN",
    )
    group.add_argument(
        "--service-account", default="", metavar="NAME", help="account that the pods run as"
    )


def cluster_of(options: argparse.Namespace) -> "Cluster":
    """Return the cluster that the options name."""
    from stethoscope.kubeflow.cluster import Cluster

    return Cluster(
        options.host,
        namespace=options.namespace,
        token=options.token or os.environ.get("STETHOSCOPE_TOKEN", ""),
    )


def _submit(options: argparse.Namespace) -> int:
    import tempfile

    from stethoscope.files import write_text
    from stethoscope.kubeflow.parameters import check_parameters, read_parameters
    from stethoscope.runs.run import compiled

    source = compiled(options.pipeline)
    given = check_parameters(read_parameters(source), given_parameters(options))
    settings = cluster_options(options)
    cluster = cluster_of(options)
    with tempfile.TemporaryDirectory() as folder:
        configured = Path(folder) / "pipeline.yaml"
        write_text(configured, settings.apply(source.read_text(encoding="utf-8")))
        name = "stethoscope" if options.pipeline == "main" else f"stethoscope-{options.pipeline}"
        version = cluster.upload(configured, name=name)
    print(
        f"Pipeline {name}: version {version.name} "
        + ("uploaded" if version.new else "is there already")
    )
    run_name = options.run_name or " ".join(
        filter(None, (options.pipeline, str(given.get("dataset_url", ""))))
    )
    if options.cron:
        schedule = cluster.schedule(
            version,
            cron=options.cron,
            experiment=options.experiment,
            run_name=run_name,
            parameters=given,
            service_account=options.service_account,
        )
        print(f"Scheduled: {schedule}")
        return 0
    run_id = cluster.start(
        version,
        experiment=options.experiment,
        run_name=run_name,
        parameters=given,
        service_account=options.service_account,
    )
    print(f"Run started: {cluster.link(run_id)}")
    if options.wait:
        for line in cluster.wait(run_id):
            print(line, flush=True)
        folder = f"{version.spec['pipelineInfo']['name']}/{run_id}"
        print(
            f"Run succeeded. To have its results here, copy the folder {folder} from the artifact store, then:"
        )
        print(f"stethoscope collect COPY --pipeline {options.pipeline} --output DIR")
    return 0


def _collect(options: argparse.Namespace) -> int:
    from stethoscope.runs.collect import collect

    return 1 if collect(options.pipeline, options.folder, options.output).get("failed") else 0
