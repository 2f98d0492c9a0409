"""The parser of the command line, which suggests what a mistyped word may mean."""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from stethoscope.terminal import suggestion

_CHOICE = re.compile(
    r"(?P<before>.*): invalid choice: '(?P<given>.*?)' \(choose from (?P<known>.*)\)"
)
_NUMBER = re.compile(r"-\d+(\.\d+)?$|-\.\d+$")


class Parser(argparse.ArgumentParser):
    """A parser whose errors say what to do.

    Attributes
    ----------
    given : sequence of str
        The arguments of the command line.
    """

    given: Sequence[str] = ()

    def error(self, message: str) -> NoReturn:
        """End the program with status 2 and a message."""
        if choice := _CHOICE.fullmatch(message):
            known = re.findall(r"[^\s',]+", choice["known"])
            near = suggestion(choice["given"], known)
            message = f"{choice['before']}: {choice['given']!r} is unknown; "
            message += near or f"choose one of {', '.join(known)}"
        elif unknown := next(self._unknown(self.given), ""):
            message = f"{message}; {self._advice(unknown)}"
        super().error(message)

    def refuse(self, arguments: Sequence[str]) -> NoReturn:
        """End the program because it does not know these arguments."""
        unknown = next(self._unknown(arguments), "")
        if not unknown:
            super().error(f"{' '.join(arguments)}: more arguments than the command takes")
        super().error(self._advice(unknown))

    def _advice(self, unknown: str) -> str:
        name = unknown.partition("=")[0]
        near = suggestion(name, self._option_string_actions)
        file = f"if it is a file, write ./{unknown}"
        return f"{name} is no option of this command; {near or file}"

    def _unknown(self, arguments: Sequence[str]) -> Iterator[str]:
        """Yield the arguments that begin with a hyphen and are no option."""
        for one in arguments:
            if one.startswith("-") and one not in ("-", "--") and not _NUMBER.match(one):
                name = one.partition("=")[0]
                known = any(option.startswith(name) for option in self._option_string_actions)
                if not known and one[:2] not in self._option_string_actions:
                    yield one


class GroupedCommands(argparse.HelpFormatter):
    """The help of a parser that lists its commands under headings.

    Parameters
    ----------
    prog : str
    groups : dict of str to sequence of str
        Commands by heading.
    """

    def __init__(self, prog: str, *, groups: Mapping[str, Sequence[str]]) -> None:
        super().__init__(prog, max_help_position=18)
        self._groups = groups

    def _format_action(self, action: argparse.Action) -> str:
        commands = {one.dest: one for one in self._iter_indented_subactions(action)}
        if not commands:
            return super()._format_action(action)
        self._action_max_length += self._indent_increment  # of the names, below a heading
        lines = []
        for heading, names in self._groups.items():
            lines.append(f"{'':{self._current_indent}}{heading}:\n")
            self._indent()
            lines += [super(GroupedCommands, self)._format_action(commands[one]) for one in names]
            self._dedent()
        return "".join(lines)


def protect_files(arguments: Sequence[str]) -> list[str]:
    """Write ``./`` before the names of existing files that begin with a hyphen.

    MIMII's archives are named ``-6_dB_fan.zip``, which would be read as an option. A name with two
    hyphens, or of one letter, is that of an option.
    """
    return [
        f"./{one}" if re.match(r"-[^-].", one) and Path(one).exists() else one for one in arguments
    ]
