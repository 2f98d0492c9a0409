"""The command ``stethoscope``."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from stethoscope import __version__
from stethoscope.commands import (
    Command,
    classify,
    clean,
    cluster,
    completion,
    data,
    decide,
    events,
    export,
    faults,
    predict,
    run,
    serve,
    sweep,
    verify,
    watch,
    wrap,
)
from stethoscope.commands.parser import GroupedCommands, Parser, protect_files
from stethoscope.errors import ParameterError, StethoscopeError, printable
from stethoscope.system import explain
from stethoscope.terminal import prepare_streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 not done, 2 called wrongly."""
    # Clips are processed in parallel, so BLAS must not open further threads. It reads this variable
    # when numpy is loaded; commands therefore import modules that need numpy only when they run.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # TensorFlow reads it when it is loaded: errors only.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    prepare_streams()
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    command: Command = options.command
    try:
        status = command(options)
        sys.stdout.flush()  # here, so that a reader that has ended is noticed below
        return status
    except StethoscopeError as error:
        if options.debug:
            raise
        print(f"stethoscope: {printable(str(error))}", file=sys.stderr)
        return 2 if isinstance(error, ParameterError) else 1
    except ModuleNotFoundError as error:
        if options.debug:
            raise
        extra = _EXTRAS.get(error.name or "", "train")
        print(
            f"stethoscope: {error.name} is not installed; it comes with the extra {extra!r}: "
            f"in a checkout, pip install '.[{extra}]'",
            file=sys.stderr,
        )
        return 1
    except BrokenPipeError:
        # The program that reads the output, for example `head`, has ended.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("stethoscope: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        output = getattr(options, "output", None)
        text = explain(error, folders=[output] if isinstance(output, Path) else [])
        if not text or options.debug:
            raise
        print(f"stethoscope: {printable(text)}", file=sys.stderr)
        return 1


_SERVE = (
    "cryptography",
    "fastapi",
    "httptools",
    "prometheus_client",
    "python_multipart",
    "starlette",
    "uvicorn",
    "websockets",
)
_EXTRAS = {
    "paho": "watch",
    "shtab": "terminal",
    "kfp_kubernetes": "pipelines",
    "model_registry": "pipelines",
    **dict.fromkeys(_SERVE, "serve"),
}
"""For a module that is not installed, the extra that installs it; ``train`` for all others."""


_GROUPS = {
    "prepare recordings": ("inspect", "datasets", "simulate"),
    "train": ("run", "sweep", "compare", "clean"),
    "judge recordings": ("predict", "classify", "events", "watch"),
    "change a bundle": ("threshold", "label"),
    "deploy a bundle": ("serve", "listen", "export", "wrap", "verify"),
    "use a Kubeflow cluster": ("compile", "submit", "schedules", "collect"),
    "set up the shell": ("completion",),
}
"""The commands in the order of the help."""

_EPILOG = "Begin with `stethoscope run`, which simulates three fans, trains a model and tests it."


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of the command line, or end the program with advice."""
    given = protect_files(arguments)
    parser = _parser(given)
    if not given:
        parser.print_help(sys.stderr)
        sys.exit(2)
    options, rest = parser.parse_known_args(given)
    if rest:
        options.parser.refuse(rest)
    return options


def _parser(given: Sequence[str] = ()) -> Parser:
    parser = Parser(
        prog="stethoscope",
        description="Find anomalous sounds of machines, name their faults, and deploy the models.",
        epilog=_EPILOG,
        formatter_class=partial(GroupedCommands, groups=_GROUPS),
    )
    parser.add_argument("--version", action="version", version=f"stethoscope {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.given = given
        added.set_defaults(command=command, parser=added)
        return added

    for module in (
        run,
        cluster,
        sweep,
        clean,
        predict,
        classify,
        events,
        export,
        wrap,
        serve,
        watch,
        decide,
        faults,
        verify,
        data,
    ):
        module.register(add)
    completion.register(add, parser)
    return parser
