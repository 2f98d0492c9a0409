"""Commands that run and compile pipelines: run, compile."""

import argparse
import os
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stethoscope.commands import Add
from stethoscope.datasets.download.credentials import CREDENTIALS
from stethoscope.errors import ParameterError
from stethoscope.options import split_list
from stethoscope.terminal import coloured, is_terminal, text_table

if TYPE_CHECKING:
    from stethoscope.kubeflow.settings import ClusterOptions


def register(add: Add) -> None:
    """Add the commands to the parser."""
    one = add(
        "run",
        _run,
        "run a pipeline here: from an archive of recordings to a report and an exported model",
    )
    add_parameters(one)
    one.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for the results (default: runs/<pipeline>-<time>)",
    )
    add_resume(one)
    one.add_argument(
        "--keep", action="store_true", help="keep the outputs of all steps, in DIR/work"
    )
    one.add_argument(
        "--parameters", action="store_true", help="list the pipeline's parameters and stop"
    )

    one = add("compile", _compile, "write a compiled pipeline that can be uploaded to Kubeflow")
    add_pipeline(one)
    one.add_argument("--output", type=Path, metavar="FILE", help="default: <pipeline>.yaml")
    one.add_argument(
        "--parallelism",
        type=int,
        default=0,
        metavar="N",
        help="how many runs of a sweep go on at the same time (default: 4)",
    )
    add_cluster_options(one)


def _run(options: argparse.Namespace) -> int:
    from stethoscope.runs.run import describe_parameters, resume, run

    if options.parameters:
        _print_parameters(describe_parameters(options.pipeline))
        return 0
    if options.resume:
        resume(options.resume, given_parameters(options), keep=options.keep)
        return 0
    summary = run(options.pipeline, given_parameters(options), options.output, keep=options.keep)
    return 1 if summary.get("failed") else 0


def _print_parameters(rows: Sequence[tuple[str, str, str]]) -> None:
    """Print the descriptions on a terminal below the names; elsewhere a line per parameter."""
    if not is_terminal():
        print("\n".join(text_table(rows, align="<<<")))
        return
    width = shutil.get_terminal_size().columns - 1
    for name, default, description in rows:
        print(f"{coloured(name, 'bold')}  {default}")
        print(textwrap.fill(description, width, initial_indent="    ", subsequent_indent="    "))


def _compile(options: argparse.Namespace) -> int:
    output = options.output or Path(f"{options.pipeline}.yaml")
    write_configured(output, options.pipeline, options, for_cluster=True)
    print(f"{output} written; upload it in the Kubeflow UI under Pipelines")
    return 0


def add_resume(parser: argparse.ArgumentParser) -> None:
    """Add the option that continues a run."""
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="DIR",
        help="continue the run of this folder; what is finished is not repeated",
    )


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """Add the option that chooses a pipeline."""
    parser.add_argument(
        "--pipeline",
        default="main",
        metavar="NAME",
        help="main, detect (without diagnosis), event-detection, sound-classification or sweep "
        "(default: main)",
    )


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a pipeline and set its parameters."""
    add_pipeline(parser)
    parser.add_argument(
        "--dataset-url",
        metavar="RECORDINGS",
        help="address, path, folder, name of the catalogue, or simulated/<machine>; several "
        "separated by commas (default: the pipeline's, for main simulated/fan)",
    )
    parser.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a parameter of the pipeline, of those that `stethoscope run --parameters` lists; "
        "repeatable",
    )


def given_parameters(options: argparse.Namespace) -> dict[str, str]:
    """Return the parameters that those options set, as text."""
    from stethoscope.kubeflow.parameters import parse_assignments

    values = parse_assignments(options.parameter)
    if options.dataset_url is not None:
        if "dataset_url" in values:
            raise ParameterError(
                "dataset_url is given twice, by --dataset-url and by -p; give it once"
            )
        values["dataset_url"] = options.dataset_url
    return values


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Add the options by which a compiled pipeline is set up for a cluster."""
    group = parser.add_argument_group("on a cluster")
    group.add_argument(
        "--image",
        default="",
        help="image of every step, with its registry and tag (default: the environment variable "
        "STETHOSCOPE_IMAGE)",
    )
    group.add_argument(
        "--train-image",
        default="",
        metavar="IMAGE",
        help="image of the steps that train, if that of the others has no TensorFlow (default: the "
        "environment variable STETHOSCOPE_TRAIN_IMAGE, else the image of every step)",
    )
    group.add_argument(
        "--gpu",
        default="",
        metavar="TYPE:COUNT",
        help="GPU for the steps that train, such as nvidia.com/gpu:1",
    )
    group.add_argument(
        "--workspace",
        default="",
        metavar="SIZE",
        help="size of a volume that all steps share and that keeps downloads, such as 20Gi",
    )
    group.add_argument(
        "--workspace-access",
        default="",
        metavar="MODE",
        help="access mode of that volume (default: ReadWriteMany for a sweep, else ReadWriteOnce)",
    )
    group.add_argument(
        "--workspace-class", default="", metavar="NAME", help="storage class of that volume"
    )
    group.add_argument(
        "--ephemeral-storage",
        default="",
        metavar="SIZE[:FOLDER]",
        help="size of a volume of its own for each pod, for the artifacts that it reads and "
        "writes; FOLDER is /minio (default), /s3 or /gcs by the kind of the artifact store",
    )
    group.add_argument(
        "--node-selector",
        default="",
        metavar="LABEL=VALUE,...",
        help="labels of the nodes on which the pods may run",
    )
    group.add_argument(
        "--toleration",
        action="append",
        default=[],
        metavar="KEY[=VALUE][:EFFECT]",
        help="taint that the pods tolerate; repeatable",
    )
    group.add_argument(
        "--no-cache", action="store_true", help="execute all steps; reuse none of earlier runs"
    )
    group.add_argument(
        "--volume",
        action="append",
        default=[],
        metavar="NAME:/FOLDER",
        help="existing volume (claim) with recordings, and where the steps see it; dataset_url may "
        "then be a path below that folder; repeatable",
    )
    group.add_argument(
        "--downloads",
        default="",
        metavar="NAME",
        help="existing volume (claim) on which downloads are kept for later runs",
    )
    group.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME[:KEY=VARIABLE,...]",
        help="Kubernetes secret with credentials for recordings, as environment variables of the "
        f"steps that read them; the usual keys are {', '.join(CREDENTIALS)}; repeatable",
    )
    group.add_argument(
        "--pull-secret",
        default="",
        metavar="NAME",
        help="Kubernetes secret with the password of a private registry",
    )


def volumes_of(options: argparse.Namespace) -> dict[str, str]:
    """Return the folder of each volume that the options name."""
    pairs = [text.partition(":") for text in options.volume]
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise ParameterError("--volume names one volume twice; name it once")
    return {name: folder.rstrip("/") for name, _, folder in pairs}


def cluster_options(
    options: argparse.Namespace, image: str = "", train_image: str = ""
) -> "ClusterOptions":
    """Return the settings that the options of a command describe.

    Where they name no image, `image` and `train_image` are taken.
    """
    from stethoscope.kubeflow.parameters import parse_assignments
    from stethoscope.kubeflow.settings import ClusterOptions, Secret

    return ClusterOptions(
        image=options.image or image,
        train_image=options.train_image or train_image,
        gpu=options.gpu,
        workspace=options.workspace,
        workspace_access=options.workspace_access,
        workspace_class=options.workspace_class,
        ephemeral_storage=options.ephemeral_storage,
        node_selector=parse_assignments(split_list(options.node_selector)),
        tolerations=tuple(options.toleration),
        volumes=volumes_of(options),
        downloads=options.downloads,
        secrets=tuple(Secret.parse(text, CREDENTIALS) for text in options.secret),
        pull_secret=options.pull_secret,
        parallelism=getattr(options, "parallelism", 0),
        caching=not options.no_cache,
    )


def write_configured(
    path: Path, pipeline: str, options: argparse.Namespace, *, for_cluster: bool = False
) -> None:
    """Write the compiled pipeline of a name with the settings of the options into a file.

    Raises
    ------
    ParameterError
        If a setting cannot work, or the pipeline is for a cluster that could not pull its image.
    """
    from stethoscope.files import write_text
    from stethoscope.kubeflow.settings import check_images
    from stethoscope.runs.pipelines import compiled_file

    names = ("STETHOSCOPE_IMAGE", "STETHOSCOPE_TRAIN_IMAGE")
    images = [os.environ.get(name, "") if for_cluster else "" for name in names]
    compiled = compiled_file(pipeline).read_text(encoding="utf-8")
    text = cluster_options(options, *images).apply(compiled)
    if for_cluster:
        check_images(text)
    write_text(path, text)
