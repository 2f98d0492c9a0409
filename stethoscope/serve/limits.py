"""The limits of the service, and the error that refuses what exceeds them."""

from dataclasses import dataclass

RATES = (1_000, 768_000)
"""Lowest and highest sample rate that is accepted, in Hz."""

MAX_MACHINE_ID = 100
"""Most characters of a machine id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on the time and memory that requests can use.

    Attributes
    ----------
    max_bytes : int
        Largest body of a request, in bytes.
    max_seconds : float
        Longest recording, in seconds.
    max_samples : int
        Most samples of a recording, over all its channels: few bytes of FLAC can unpack to
        gigabytes.
    max_files : int
        Most recordings in a batch.
    places : int
        Requests that are received, waiting or worked on at once.
    max_bytes_held : int
        Most bytes that all of them hold together.
    max_streams : int
        Streams open at once.
    receive_seconds : float
        Longest time that the header of a request, and then its body, may take to arrive, in
        seconds.
    wait_seconds : float
        Longest time a request waits for a thread, in seconds.
    silence_seconds : float
        Longest time a stream may send nothing, in seconds.
    """

    max_bytes: int = 32 << 20
    max_seconds: float = 300.0
    max_samples: int = 32 << 20
    max_files: int = 64
    places: int = 64
    max_bytes_held: int = 128 << 20
    max_streams: int = 16
    receive_seconds: float = 30.0
    wait_seconds: float = 10.0
    silence_seconds: float = 60.0


class RefusalError(Exception):
    """A request is refused.

    Attributes
    ----------
    status : int
        HTTP status.
    reason : str
        For programs: an identifier that stays the same.
    message : str
        For people: what is wrong and what to do.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
