"""The command ``same``: create and run a program from the file ``same.yaml``.

A program is a pipeline with its settings. The command reads the schema of the SAME project
(projectsame.io/v1alpha1) and takes the options of all generations of its tool, but it compiles for
Kubeflow Pipelines of version 2 and starts runs there.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from stethoscope.commands.cluster import (
    add_ids,
    add_run_options,
    add_server_options,
    add_wait,
    cluster_of,
    prepared,
    run_request,
    start,
    upload_described,
    version_by_id,
)
from stethoscope.commands.run import add_cluster_options, cluster_options
from stethoscope.errors import ParameterError, StethoscopeError, printable
from stethoscope.files import write_text
from stethoscope.kubeflow.cluster import Cluster, Version
from stethoscope.kubeflow.compiled import read_spec
from stethoscope.kubeflow.parameters import parse_assignments
from stethoscope.kubeflow.settings import check_images
from stethoscope.runs.run import run
from stethoscope.system import explain
from stethoscope.terminal import prepare_streams

_KFP = "from kfp.cli.__main__ import main; main()"  # the command kfp, which cannot be run by -m


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The content of a file ``same.yaml``; unknown keys are ignored.

    Attributes
    ----------
    experiment, name, description, run_name : str
        ``metadata.name``, ``pipeline.name``, ``pipeline.description`` and ``run.name``.
    image : str
        ``pipeline.image``: the image of every step on a cluster; empty keeps those of the package.
    train_image : str
        ``pipeline.train_image``: the image of the steps that train; empty means the same one.
    package : Path
        ``pipeline.package``, relative to the folder of the file: a Python file with one pipeline,
        or a compiled one.
    parameters : dict
        ``run.parameters``.
    """

    experiment: str
    name: str
    description: str
    image: str
    train_image: str
    package: Path
    run_name: str
    parameters: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises
        ------
        ParameterError
            If it cannot be read, or something that is needed is missing.
        """
        document = _read_yaml(path)
        pipeline, once = _section(path, document, "pipeline"), _section(path, document, "run")
        for key in ("name", "package"):
            if not isinstance(pipeline.get(key), str):
                raise ParameterError(f"{path}: pipeline.{key} is missing; give it as a text")
        package = path.resolve().parent / pipeline["package"]
        # pathlib's is_file() raises an error for a name that is too long.
        if not os.path.isfile(package):  # noqa: PTH113
            raise ParameterError(
                f"{path}: pipeline.package is {pipeline['package']!r}, but there is no {package}; "
                "give its path relative to this file"
            )
        metadata = _section(path, document, "metadata")
        return cls(
            experiment=_text(path, metadata, "metadata.name") or pipeline["name"],
            name=pipeline["name"],
            description=_text(path, pipeline, "pipeline.description"),
            image=_text(path, pipeline, "pipeline.image"),
            train_image=_text(path, pipeline, "pipeline.train_image"),
            package=package,
            run_name=_text(path, once, "run.name") or pipeline["name"],
            parameters=_single_values(path, _section(path, once, "parameters")),
        )

    @contextmanager
    def compiled(self) -> Iterator[Path]:
        """Yield the compiled pipeline.

        Raises
        ------
        ParameterError
            If the package does not compile. It has the last line of the compiler's output.
        """
        if self.package.suffix in (".yaml", ".yml"):
            yield self.package
            return
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "pipeline.yaml"
            arguments = ["dsl", "compile", "--py", str(self.package), "--output", str(output)]
            done = subprocess.run(  # noqa: S603  # our own interpreter
                [sys.executable, "-c", _KFP, *arguments],
                cwd=self.package.parent,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode or not output.is_file():
                text = done.stderr.strip() or done.stdout.strip() or "no reason given"
                raise ParameterError(
                    f"{self.package}: does not compile ({text.splitlines()[-1].strip()}); "
                    "it must hold exactly one pipeline"
                )
            yield output


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 not done, 2 called wrongly."""
    prepare_streams()
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except StethoscopeError as error:
        print(f"same: {printable(str(error))}", file=sys.stderr)
        return 2 if isinstance(error, ParameterError) else 1
    except KeyboardInterrupt:
        print("same: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if not (text := explain(error)):
            raise
        print(f"same: {printable(text)}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="same",
        description="Create and run programs, pipelines with their settings, on Kubeflow.",
    )
    program = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "program", help="create or run a program"
    )
    commands = program.add_subparsers(required=True, metavar="create|run")
    for name, command, text in (
        ("create", _create, "upload the pipeline"),
        ("run", _run, "upload the pipeline unless it is there, and start a run"),
    ):
        one = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        one.set_defaults(command=command)
        _add_program_options(one)
        add_server_options(one)
        add_cluster_options(one)
        if name == "run":
            _add_run_options(one)
            add_run_options(one)
            add_ids(one)
            add_wait(one)
    return parser


def _add_program_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f",
        "--file",
        type=Path,
        default=Path("same.yaml"),
        help="file of the program (default: same.yaml)",
    )
    parser.add_argument(
        "-n", "--program-name", help="name of the pipeline (default: pipeline.name in the file)"
    )


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-e",
        "--experiment-name",
        help="experiment that the run belongs to (default: metadata.name in the file)",
    )
    parser.add_argument("-r", "--run-name", help="name of the run (default: run.name in the file)")
    parser.add_argument(
        "-p",
        "--run-param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a pipeline parameter; repeatable",
    )
    parser.add_argument(
        "--run-only",
        action="store_true",
        help="upload nothing; run the newest version on the server",
    )
    parser.add_argument(
        "--local", action="store_true", help="run on this computer, without a cluster"
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="with --local: folder for the results"
    )


def _create(options: argparse.Namespace) -> int:
    program = Program.read(options.file)
    with program.compiled() as compiled:
        _upload(program, compiled, options)
    return 0


def _run(options: argparse.Namespace) -> int:
    program = Program.read(options.file)
    values = {**program.parameters, **parse_assignments(options.run_param)}
    if options.local:
        return _run_here(program, values, options)
    if found := _on_the_server(program, options):
        cluster, version = found
        given = prepared(version.spec, values, options)
    else:
        with program.compiled() as compiled:
            given = prepared(read_spec(compiled), values, options)
            cluster, version = _upload(program, compiled, options)
    request = run_request(
        options,
        options.run_name or program.run_name,
        options.experiment_name or program.experiment,
        given,
    )
    start(cluster, version, request, options)
    return 0


def _on_the_server(program: Program, options: argparse.Namespace) -> tuple[Cluster, Version] | None:
    """Return the version on the server that is to be run; None if the program is uploaded."""
    if options.run_only and not options.pipeline_id:
        cluster = cluster_of(options)
        return cluster, cluster.newest(options.program_name or program.name)
    return version_by_id(options)


def _run_here(program: Program, values: Mapping[str, Any], options: argparse.Namespace) -> int:
    with program.compiled() as compiled:
        name = options.program_name or program.name
        summary = run(name, values, options.output, source=compiled)
    return 1 if summary.get("failed") else 0


def _upload(
    program: Program, compiled: Path, options: argparse.Namespace
) -> tuple[Cluster, Version]:
    """Upload the program, set up as the options describe, and print its version."""
    training = program.train_image or os.environ.get("STETHOSCOPE_TRAIN_IMAGE", "")
    settings = cluster_options(options, program.image, training)
    text = settings.apply(compiled.read_text(encoding="utf-8"))
    check_images(text)
    name = options.program_name or program.name
    with tempfile.TemporaryDirectory() as folder:
        configured = Path(folder) / "pipeline.yaml"
        write_text(configured, text)
        cluster = cluster_of(options)
        return cluster, upload_described(cluster, configured, name, program.description)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"{path}: {error.strerror}; name the file by -f") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:500]
        raise ParameterError(f"{path}: is not YAML ({reason}); correct it") from error
    if not isinstance(document, dict):
        raise ParameterError(f"{path}: holds no settings; see the same.yaml of this project")
    return document


def _section(path: Path, document: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise ParameterError(f"{path}: {key} must hold further keys")
    return value


def _text(path: Path, section: Mapping[str, Any], key: str) -> str:
    """Return a value as a text; empty if it is not there."""
    value = section.get(key.rpartition(".")[2])
    # Some lines of references to each other stand for a list of billions of items.
    if isinstance(value, (dict, list)):
        raise ParameterError(f"{path}: {key} is not a single value; give a text")
    return str(value or "")


def _single_values(path: Path, parameters: dict[str, Any]) -> dict[str, Any]:
    for key, value in parameters.items():
        if isinstance(value, (dict, list)) or value is None:
            raise ParameterError(
                f"{path}: run.parameters.{key} is not a single value; "
                "give a text, a number, true or false"
            )
    return parameters


if __name__ == "__main__":
    sys.exit(main())
