"""Text for the terminal: tables, numbers, colours and suggestions."""

import difflib
import io
import json
import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stethoscope.errors import printable

_CODES = {"bold": 1, "red": 31, "green": 32, "yellow": 33}
"""Numbers of colours in the codes of terminals (ECMA-48)."""


def text_table(rows: Sequence[Sequence[str]], *, align: str = "") -> list[str]:
    """Return the lines of a table.

    Parameters
    ----------
    rows : sequence of sequence of str
        A cell for each column; a header is the first row.
    align : str, optional
        ``<`` or ``>`` for each column: left or right. By default the first column stands left and
        all others right.
    """
    sides = align or "<" + ">" * (len(rows[0]) - 1)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def decimal(value: float | None, *, digits: int = 3) -> str:
    """Return a number with that many decimals, or ``n/a`` where there is none."""
    return "n/a" if value is None else f"{value:.{digits}f}"


def typed_path(path: Path) -> str:
    """Return a path as it is typed in a shell.

    It is relative to the working folder if it lies there, and in quotes if it needs them.
    """
    path = path.absolute()
    near = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return shlex.quote(str(near))


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table that is shown in a colour on a terminal."""

    text: str
    style: str = ""


def prepare_streams() -> None:
    """Make the standard streams usable in a program that was started without one of them.

    A stream that is closed is replaced by the null device: the next file that the program opens
    would get its number otherwise, and what libraries print would be written into that file.
    Characters that standard output cannot encode are shown as their codes.
    """
    for number in range(3):
        _occupy(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  # until the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _occupy(number: int) -> None:
    """Open the null device as the file of a number, unless another one has it already."""
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)


def is_terminal() -> bool:
    """Return whether standard output is a terminal, where people read."""
    return sys.stdout is not None and sys.stdout.isatty()


def print_table(rows: Sequence[Sequence[str | Cell]], *, align: str = "") -> None:
    """Print a table whose first row is a header.

    On a terminal it has colours, and long cells are folded to the width of the terminal, if `rich`
    is installed. Elsewhere it is that of :func:`text_table`.

    Parameters
    ----------
    rows : sequence of sequence of str or Cell
    align : str, optional
        As for :func:`text_table`.
    """
    cells = [[Cell(printable(one)) if isinstance(one, str) else one for one in row] for row in rows]
    if not (is_terminal() and _print_rich(cells, align or "<" + ">" * (len(cells[0]) - 1))):
        print("\n".join(text_table([[one.text for one in row] for row in cells], align=align)))


def _print_rich(rows: Sequence[Sequence[Cell]], align: str) -> bool:
    """Print a table with colours, and return whether that is possible."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ModuleNotFoundError:
        return False
    header, *body = rows
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for cell, side in zip(header, align, strict=True):
        table.add_column(
            Text(cell.text), justify="left" if side == "<" else "right", overflow="fold"
        )
    for row in body:
        table.add_row(*(Text(cell.text, cell.style) for cell in row))
    Console(highlight=False).print(table)
    return True


def print_json(value: object, *, indent: int | None = None, **options: Any) -> None:
    """Print a value as JSON, in the characters that standard output can encode.

    Parameters
    ----------
    value : object
        What JSON can hold.
    indent : int, optional
        Of the lines; by default there is one line.
    **options
        Of :func:`print`.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    try:
        # The undecodable bytes in a name of a file cannot be encoded either.
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent, allow_nan=False)
    print(text, **options)


def coloured(text: str, style: str) -> str:
    """Return a text with the codes that colour it on a terminal, or as it is elsewhere.

    Parameters
    ----------
    text : str
    style : {"green", "red", "yellow", "bold"}
    """
    if not is_terminal() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a question about the known name that is most like a mistyped one; "" if none is.

    Parameters
    ----------
    name : str
    known : iterable of str
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else ""
