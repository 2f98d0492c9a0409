"""The output of the commands that answer about recordings: a JSON line per file, or a table."""

import argparse
import glob
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stethoscope.errors import AudioError, ParameterError, printable
from stethoscope.progress import track
from stethoscope.terminal import Cell, coloured, is_terminal, print_json, print_table

FOUND_ANOMALY = 3
"""Exit status of ``--exit-code`` if a recording is anomalous."""

Answer = Callable[[str], Mapping[str, Any]]
"""Returns the fields of the answer about a file."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The table of a command's answers.

    Attributes
    ----------
    header : tuple of str
        Beside the name of the file.
    align : str
        ``<`` or ``>`` for each of them.
    rows : callable
        Returns a row or more for the fields of an answer, without the name of the file.
    """

    header: tuple[str, ...]
    align: str
    rows: Callable[[Mapping[str, Any]], Sequence[Sequence[str | Cell]]]


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a bundle."""
    parser.add_argument(
        "bundle", type=Path, metavar="BUNDLE", help="the exported model: the folder bundle of a run"
    )


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names recordings, and the option for JSON."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="recordings; a folder stands for all recordings in it, and 'day*/*.wav' for those "
        "whose names fit",
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON on a terminal too, as into a pipe"
    )


def add_machine_id(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the machine of the recordings."""
    parser.add_argument(
        "--machine-id",
        default="",
        help="id of the machine, such as 02 (default: that in the file's name)",
    )


def add_exit_code(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option that reports a finding by the exit status."""
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help=f"end with status {FOUND_ANOMALY} if {what}, else with 1 if a file cannot be judged",
    )


def recordings_of(names: Iterable[str]) -> list[str]:
    """Return the files that names of files and folders, and patterns, stand for.

    A name of nothing that exists stays as it is: the answer about it says so.

    Raises
    ------
    ParameterError
        If a folder holds no recordings, or a pattern fits no file.
    """
    return [file for name in names for file in _recordings(name)]


def _recordings(name: str) -> list[str]:
    from stethoscope.sound.formats import FORMATS_TEXT, SUFFIXES

    path = Path(name)
    if path.is_dir():
        found = [
            str(one)
            for one in path.rglob("*")
            # A pipe or a device may never end. A broken link is answered with an error.
            if one.suffix.lower() in SUFFIXES and (one.is_file() or not one.exists())
        ]
        if not found:
            raise ParameterError(f"{name}: holds no recordings; these are read: {FORMATS_TEXT}")
        return sorted(found)
    if not path.exists() and glob.has_magic(name):
        found = [one for one in glob.glob(name, recursive=True) if Path(one).is_file()]  # noqa: PTH207
        if not found:
            raise ParameterError(f"{name}: fits the name of no file; check the pattern")
        return sorted(found)
    return [name]


def answer_files(
    options: argparse.Namespace,
    answer: Answer,
    columns: Columns,
    is_found: Callable[[Mapping[str, Any]], bool] = lambda _: False,
) -> int:
    """Answer about the recordings that a command is given.

    A program gets a JSON line per file: its name with the answer, or with the error. A person at a
    terminal gets a table.

    Parameters
    ----------
    options : argparse.Namespace
    answer : callable
        Returns the fields of the answer about a file.
    columns : Columns
    is_found : callable
        Whether an answer is what ``--exit-code`` reports.

    Returns
    -------
    int
        Exit status: 0 if at least one file could be used, else 1; see also :func:`add_exit_code`.
    """
    files = recordings_of(options.files)
    if options.json or not is_terminal():
        counts = _answer_each(files, answer, _print_line, is_found)
    else:
        counts = _answer_in_table(files, answer, columns, is_found)
    if getattr(options, "exit_code", False):
        return FOUND_ANOMALY if counts["found"] else int(counts["unusable"] > 0)
    return int(not counts["usable"])


def _answer_in_table(
    files: Sequence[str],
    answer: Answer,
    columns: Columns,
    is_found: Callable[[Mapping[str, Any]], bool],
) -> Counter[str]:
    rows: list[list[str | Cell]] = []
    unusable: list[str] = []

    def show(fields: Mapping[str, Any]) -> None:
        if "Error" in fields:
            reason = str(fields["Error"]).removeprefix(f"{fields['File']}: ")
            unusable.append(coloured(printable(f"{fields['File']}: {reason}"), "yellow"))
        else:
            names = itertools.chain([fields["File"]], itertools.repeat(""))
            rows.extend(
                [name, *row] for name, row in zip(names, columns.rows(fields), strict=False)
            )

    listed = track(files, label="recordings", total=len(files)) if len(files) > 1 else files
    try:
        return _answer_each(listed, answer, show, is_found)
    finally:  # also what is known when the user ends it
        if rows:
            print_table([("file", *columns.header), *rows], align=f"<{columns.align}")
        print("".join(f"{line}\n" for line in unusable), end="")


def _answer_each(
    files: Iterable[str],
    answer: Answer,
    show: Callable[[Mapping[str, Any]], None],
    is_found: Callable[[Mapping[str, Any]], bool],
) -> Counter[str]:
    """Show the answer about each file, and return how many are usable, unusable and found."""
    counts: Counter[str] = Counter()
    for file in files:
        try:
            fields = answer(file)
            counts["usable"] += 1
            counts["found"] += is_found(fields)
        except AudioError as error:
            fields = {"Error": str(error), "Reason": error.reason}
            counts["unusable"] += 1
        show({"File": file, **fields})
    return counts


def _print_line(fields: Mapping[str, Any]) -> None:
    print_json(fields, flush=True)
