"""The text of tables and label files, as editors and spreadsheets save it."""

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from stethoscope.errors import DatasetError

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_text(content: bytes) -> str:
    """Return the text of a file in UTF-8, in UTF-16 with its mark, or in Windows-1252.

    Bytes that have no meaning are replaced by U+FFFD.
    """
    if content.startswith(_UTF_16):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


class Lines(Protocol):
    """A reader of :mod:`csv`."""

    @property
    def line_num(self) -> int:
        """Lines that were read."""


@contextmanager
def naming_line(rows: Lines, where: str) -> Iterator[None]:
    """Report a row that cannot be read by its file and line.

    Raises
    ------
    DatasetError
        Within the context.
    """
    try:
        yield
    except csv.Error as error:
        raise DatasetError(
            f"{where}, line {rows.line_num}: cannot be read ({error}); correct the row"
        ) from error
