"""Text for the terminal: tables and numbers."""

from collections.abc import Sequence


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
