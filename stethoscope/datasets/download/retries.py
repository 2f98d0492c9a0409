"""Repeat a transfer that fails for a reason that may pass.

Neither tenacity nor urllib3's Retry is used. The count of failures starts again after each mebibyte
that arrives, for which tenacity would need a stop, a wait and a counter of our own, and Retry does
not cover a connection that breaks while the body is read.
"""

import math
import random
import time
from collections.abc import Callable

import requests
import urllib3

from stethoscope.datasets.download.partial import PartialFile
from stethoscope.errors import DownloadError

ATTEMPTS = 6
"""Transfers that may fail in a row before a download is given up."""

FIRST_DELAY = 1.0
"""Pause after the first failure, in seconds; it doubles with each further one, up to a minute."""

_LONGEST_DELAY = 60.0
_ADVANCE = 1 << 20
_TRANSIENT = (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError)


class TransientError(Exception):
    """A failure that may not occur at the next attempt.

    Parameters
    ----------
    reason : str
    retry_after : str
        The header of that name in the server's answer. Only a number of seconds is understood.

    Attributes
    ----------
    delay : float
        How long the server asks to wait, in seconds; 0 if it does not.
    """

    def __init__(self, reason: str, retry_after: str = "") -> None:
        super().__init__(reason)
        self.delay = float(retry_after) if retry_after.isdigit() else 0.0


def with_retries(transfer: Callable[[], str], url: str, part: PartialFile) -> str:
    """Call `transfer` until it succeeds, and return what it returns.

    Parameters
    ----------
    transfer : callable
        Appends to `part`.
    url : str
        For messages.
    part : PartialFile

    Raises
    ------
    DownloadError
        After :data:`ATTEMPTS` failures in a row without a mebibyte of progress, or at once where
        another attempt cannot help.
    """
    failures = 0
    while True:
        before = part.size
        try:
            return transfer()
        except requests.exceptions.SSLError as error:
            raise DownloadError(
                f"{url}: no secure connection ({innermost_reason(error)});"
                " check the address and the certificates"
            ) from error
        except (TransientError, *_TRANSIENT) as error:
            failures = 1 if part.size >= before + _ADVANCE else failures + 1
            if failures >= ATTEMPTS:
                raise DownloadError(
                    f"{url}: gave up after {failures} attempts ({innermost_reason(error)});"
                    " check the address and the connection, start again to go on"
                ) from error
            time.sleep(_pause(failures, error))
        except requests.RequestException as error:
            raise DownloadError(
                f"{url}: cannot be requested ({innermost_reason(error)}); check the address"
            ) from error
        except OSError as error:
            raise DownloadError(
                f"{part.path}: cannot be written ({error.strerror or error});"
                " free space or choose another folder"
            ) from error


def _pause(failures: int, error: Exception) -> float:
    requested = error.delay if isinstance(error, TransientError) else 0.0
    # Random, so that clients that failed together do not come back together.
    own = FIRST_DELAY * math.ldexp(random.uniform(0.5, 1.0), failures - 1)  # noqa: S311
    return min(_LONGEST_DELAY, max(requested, own))


def innermost_reason(error: BaseException) -> str:
    """Return the message of the first cause of an error of requests or urllib3, on one line."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (one for one in error.args if isinstance(one, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return " ".join(str(error).split())
        error = inner
