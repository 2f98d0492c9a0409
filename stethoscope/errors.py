"""The errors that a user can cause and correct.

Every message is one line that names the file or parameter, the bad value and the remedy.
The command line prints it without a traceback. Any other exception is an error in the program.
"""

from collections.abc import Sequence

_LONGEST_SHOWN = 100
_MOST_DIGITS = 10**20


class StethoscopeError(Exception):
    """Base of all errors that a user can correct."""


class ParameterError(StethoscopeError):
    """A parameter has a value that cannot work."""


UNUSABLE = "unusable_recording"
"""Reason of an :class:`AudioError` about a recording that cannot be read."""


class AudioError(StethoscopeError):
    """A recording cannot be used: undecodable, empty, silent, or without the channel.

    Attributes
    ----------
    reason : str
        For programs: an identifier that stays the same.
    """

    def __init__(self, message: str, reason: str = UNUSABLE) -> None:
        super().__init__(message)
        self.reason = reason


class DatasetError(StethoscopeError):
    """A data set cannot be used: unknown layout, broken archive, or no training data."""


class DownloadError(StethoscopeError):
    """An address cannot be downloaded, or the file is not the expected one."""


class ModelError(StethoscopeError):
    """A model or bundle is incomplete, altered, or made for something else."""


def shown(value: object) -> str:
    """Return a value as it is shown in a message: its kind and size if it is long."""
    if isinstance(value, (dict, list, tuple)):
        kind = "object" if isinstance(value, dict) else "list"
        article = "an" if kind == "object" or not value else "a"
        return f"{article} {kind} of {len(value)}" if value else f"an empty {kind}"
    if isinstance(value, int) and abs(value) > _MOST_DIGITS:
        return "a number of many digits"
    complete = repr(value)
    return complete if len(complete) <= _LONGEST_SHOWN else f"{complete[:_LONGEST_SHOWN]}…"


def printable(text: str) -> str:
    """Return a text in one line that a terminal shows as it is.

    A name of a file can hold line breaks, control codes of terminals, characters that reverse the
    direction of writing, and bytes that are no text. They are shown as their codes.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )


def refuse(problems: Sequence[str]) -> None:
    """Report all problems of parameters in one error.

    Raises
    ------
    ParameterError
        If there is a problem.
    """
    if problems:
        raise ParameterError("; ".join(problems))


class ServiceError(StethoscopeError):
    """A service cannot be reached, or refuses what it was sent."""
