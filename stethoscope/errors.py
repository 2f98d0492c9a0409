"""The errors that a user can cause and mend.

Every message is one line that names the file or parameter, the bad value and the remedy.
The command line prints it without a traceback; everything else that is raised is a fault of ours.
"""

from collections.abc import Sequence


class StethoscopeError(Exception):
    """Base of all errors that a user can mend."""


class ParameterError(StethoscopeError):
    """A parameter has a value that cannot work."""


class AudioError(StethoscopeError):
    """A recording cannot be used: undecodable, empty, not finite, or without the wanted channel."""


class DatasetError(StethoscopeError):
    """A set of recordings cannot be used: unknown layout, hostile or broken archive, nothing to
    train on.
    """


class DownloadError(StethoscopeError):
    """An address cannot be fetched, or what came is not what was promised."""


class ModelError(StethoscopeError):
    """A model or bundle is incomplete, altered, or made for something else."""


def refuse(problems: Sequence[str]) -> None:
    """Say all that is wrong with parameters at once.

    Raises
    ------
    ParameterError
        If there is a problem.
    """
    if problems:
        raise ParameterError("; ".join(problems))


class ServiceError(StethoscopeError):
    """A service cannot be reached, or refuses what it was sent."""
