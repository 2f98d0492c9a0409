"""The command ``completion``: what a shell needs to complete commands, options and values."""

import argparse
from collections.abc import Iterator

from stethoscope.commands import Add

_FOLDERS = {"BUNDLE", "MODEL", "FOLDER", "DIR", "RUN"}
_FILES = {"ARCHIVE", "FILE", "OUT", "PRIVATE_KEY", "PUBLIC_KEY", "RECORDINGS"}

_BASH = "stethoscope completion bash > ~/.local/share/bash-completion/completions/stethoscope"
_ZSH = "stethoscope completion zsh > ~/.zfunc/_stethoscope (a folder of $fpath)"


def register(add: Add, parser: argparse.ArgumentParser) -> None:
    """Add the command, which completes all commands of a parser."""
    one = add("completion", lambda options: _completion(options, parser), "print shell completion")
    one.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "tcsh"))
    one.epilog = f"For bash: {_BASH}; for zsh: {_ZSH}"


def _completion(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    import shtab

    for action in _actions(parser):
        _add_values(action)
        if action.metavar in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.metavar in _FILES or action.dest == "dataset_url":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell=options.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the options and arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _add_values(action: argparse.Action) -> None:
    """Let an option offer its values, where they are known."""
    from stethoscope.datasets.layouts import LAYOUTS
    from stethoscope.kubeflow.parameters import read_parameters
    from stethoscope.runs.pipelines import PIPELINES, compiled_file

    if action.dest == "pipeline":
        action.choices = list(PIPELINES)
    elif action.dest == "layout":
        action.choices = ["auto", *LAYOUTS]
    elif action.dest == "parameter":
        action.choices = [f"{name}=" for name in read_parameters(compiled_file("main"))]
