"""The command ``same``: create and run a program, a pipeline with its settings, from the file
``same.yaml``.

It reads the schema of the SAME project (projectsame.io/v1alpha1) and takes the options of all
generations of its tool, but compiles for, and talks to, Kubeflow Pipelines of version 2.
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

from stethoscope.errors import ParameterError, StethoscopeError
from stethoscope.kubeflow.cluster import Cluster, Version
from stethoscope.kubeflow.compiled import read_spec
from stethoscope.kubeflow.parameters import cast_values, parameters_of, parse_assignments
from stethoscope.runs.run import run

_KFP = "from kfp.cli.__main__ import main; main()"  # the command kfp, which has no module that could be run


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a file ``same.yaml`` says; keys that are not known are passed over.

    Attributes
    ----------
    experiment, name, description, run_name : str
        ``metadata.name``, ``pipeline.name``, ``pipeline.description`` and ``run.name``.
    package : Path
        ``pipeline.package``, found from the folder of the file: a Python file with one pipeline, or
        a compiled one.
    parameters : dict
        ``run.parameters``.
    """

    experiment: str
    name: str
    description: str
    package: Path
    run_name: str
    parameters: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises
        ------
        ParameterError
            If it cannot be read, or lacks what is needed.
        """
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ParameterError(f"{path}: {error.strerror}; name the file by -f") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ParameterError(
                f"{path}: is no YAML ({' '.join(str(error).split())}); mend it"
            ) from error
        if not isinstance(document, dict):
            raise ParameterError(f"{path}: holds no settings; see the same.yaml of this project")
        pipeline, once = _section(path, document, "pipeline"), _section(path, document, "run")
        for key in ("name", "package"):
            if not isinstance(pipeline.get(key), str):
                raise ParameterError(f"{path}: pipeline.{key} is missing; give it as a text")
        package = path.resolve().parent / pipeline["package"]
        if not package.is_file():
            raise ParameterError(
                f"{path}: pipeline.package is {pipeline['package']!r}, but there is no {package}"
            )
        parameters = _section(path, once, "parameters")
        if nested := [
            key
            for key, value in parameters.items()
            if isinstance(value, (dict, list)) or value is None
        ]:
            raise ParameterError(
                f"{path}: run.parameters.{nested[0]} is no single value; give a text, a number, true or false"
            )
        return cls(
            experiment=str(_section(path, document, "metadata").get("name") or pipeline["name"]),
            name=pipeline["name"],
            description=str(pipeline.get("description") or ""),
            package=package,
            run_name=str(once.get("name") or pipeline["name"]),
            parameters=parameters,
        )

    @contextmanager
    def compiled(self) -> Iterator[Path]:
        """Yield the compiled pipeline.

        Raises
        ------
        ParameterError
            If the package does not compile; the message is the last line that the compiler says.
        """
        if self.package.suffix in (".yaml", ".yml"):
            yield self.package
            return
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "pipeline.yaml"
            command = [
                sys.executable,
                "-c",
                _KFP,
                "dsl",
                "compile",
                "--py",
                str(self.package),
                "--output",
                str(output),
            ]
            done = subprocess.run(  # noqa: S603  # our own interpreter
                command, cwd=self.package.parent, capture_output=True, text=True, check=False
            )
            if done.returncode or not output.is_file():
                said = (
                    done.stderr.strip() or done.stdout.strip() or "no reason given"
                ).splitlines()[-1]
                raise ParameterError(
                    f"{self.package}: does not compile ({said.strip()}); it must hold exactly one pipeline"
                )
            yield output


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 not done, 2 called wrongly."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except StethoscopeError as error:
        print(f"same: {error}", file=sys.stderr)
        return 2 if isinstance(error, ParameterError) else 1
    except KeyboardInterrupt:
        print("same: interrupted", file=sys.stderr)
        return 130


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
        one.add_argument(
            "-f",
            "--file",
            type=Path,
            default=Path("same.yaml"),
            help="the program (default: same.yaml)",
        )
        one.add_argument(
            "-n", "--program-name", help="name of the pipeline (default: the file's pipeline.name)"
        )
        one.add_argument(
            "--host",
            default="",
            help="address of Kubeflow Pipelines; by default this cluster, or kubectl's",
        )
        one.add_argument(
            "--namespace",
            default="",
            help="Kubernetes namespace, where several users share a cluster",
        )
        one.add_argument(
            "--token",
            default="",
            help="bearer token; by default the environment variable STETHOSCOPE_TOKEN",
        )
    one.add_argument("-e", "--experiment-name", help="default: the file's metadata.name")
    one.add_argument("-r", "--run-name", help="default: the file's run.name")
    one.add_argument(
        "-p",
        "--run-param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a parameter; repeatable",
    )
    one.add_argument(
        "--run-only",
        action="store_true",
        help="upload nothing; run the newest version that is there",
    )
    one.add_argument("--local", action="store_true", help="run on this computer, without a cluster")
    one.add_argument(
        "--output", type=Path, metavar="DIR", help="with --local: folder for the results"
    )
    return parser


def _create(options: argparse.Namespace) -> int:
    program = Program.read(options.file)
    with program.compiled() as compiled:
        _upload(_cluster(options), program, compiled, options)
    return 0


def _run(options: argparse.Namespace) -> int:
    program = Program.read(options.file)
    values = {**program.parameters, **parse_assignments(options.run_param)}
    if options.local:
        with program.compiled() as compiled:
            summary = run(
                options.program_name or program.name, values, options.output, source=compiled
            )
        return 1 if summary.get("failed") else 0
    if options.run_only:
        cluster = _cluster(options)
        version = cluster.newest(options.program_name or program.name)
        given = cast_values(parameters_of(version.spec), values)
    else:
        with program.compiled() as compiled:
            given = cast_values(parameters_of(read_spec(compiled)), values)
            cluster = _cluster(options)
            version = _upload(cluster, program, compiled, options)
    run_id = cluster.start(
        version,
        experiment=options.experiment_name or program.experiment,
        run_name=options.run_name or program.run_name,
        parameters=given,
    )
    print(f"Run started: {cluster.link(run_id)}")
    return 0


def _cluster(options: argparse.Namespace) -> Cluster:
    return Cluster(
        options.host,
        namespace=options.namespace,
        token=options.token or os.environ.get("STETHOSCOPE_TOKEN", ""),
    )


def _upload(
    cluster: Cluster, program: Program, compiled: Path, options: argparse.Namespace
) -> Version:
    name = options.program_name or program.name
    version = cluster.upload(compiled, name=name, description=program.description)
    print(
        f"Pipeline {name}: version {version.name} "
        + ("uploaded" if version.new else "is there already")
    )
    return version


def _section(path: Path, document: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise ParameterError(f"{path}: {key} must hold further keys")
    return value


if __name__ == "__main__":
    sys.exit(main())
