"""The output of the commands that answer about recordings: a JSON line per file."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from stethoscope.errors import AudioError


def print_answers(files: Iterable[str], answer: Callable[[str], Mapping[str, Any]]) -> int:
    """Print a JSON line per file: its name with the answer, or with the error.

    Parameters
    ----------
    files : iterable of str
    answer : callable
        Returns the fields of the answer about a file.

    Returns
    -------
    int
        Exit status: 0 if at least one file could be used, else 1.
    """
    status = 1
    for file in files:
        try:
            fields = answer(file)
            status = 0
        except AudioError as error:
            fields = {"Error": str(error), "Reason": error.reason}
        print(json.dumps({"File": file, **fields}, ensure_ascii=False, allow_nan=False), flush=True)
    return status
