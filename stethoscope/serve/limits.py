"""The limits of the service, and the error that refuses what exceeds them."""

import math
from dataclasses import dataclass

RATES = (1_000, 768_000)
"""Lowest and highest sample rate that is accepted, in Hz."""

MAX_MACHINE_ID = 100
"""Most characters of a machine id."""

LARGE_SAMPLES = 4 << 20
"""Samples above which a recording is large: few workers judge large recordings at once, so that
one is soon free for a small recording."""

WORKER_BYTES = 512 << 20
"""Memory that a worker may take for a recording."""

OPEN_SECONDS = 30
"""Longest time that opening a bundle may take, in seconds."""

CLIENT_SHARE = 0.75
"""Fraction of the places, streams and memory that one client may take: another finds a place."""


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
    max_request_samples : int
        Most samples of all recordings of a batch together.
    max_files : int
        Most recordings in a batch.
    places : int
        Requests that are received, waiting or worked on at once.
    max_bytes_held : int
        Most bytes that all of them and all streams hold together.
    max_streams : int
        Streams open at once.
    max_streams_per_client : int or None
        Streams that one client may have open; None for the same share as of the places.
    receive_seconds : float
        Longest time that the header of a request, and then its body, may take to arrive, in
        seconds.
    wait_seconds : float
        Longest time a request waits for a worker, in seconds.
    work_seconds : int
        Longest time that a worker may take for a recording, in seconds.
    request_seconds : float
        Longest time from the first byte of a request to the last of its answer, in seconds.
    silence_seconds : float
        Longest time a stream may send nothing, in seconds.
    """

    max_bytes: int = 32 << 20
    max_seconds: float = 300.0
    max_samples: int = 32 << 20
    max_request_samples: int = 64 << 20
    max_files: int = 64
    places: int = 64
    max_bytes_held: int = 128 << 20
    max_streams: int = 24
    max_streams_per_client: int | None = None
    receive_seconds: float = 30.0
    wait_seconds: float = 10.0
    work_seconds: int = 20
    request_seconds: float = 60.0
    silence_seconds: float = 60.0

    @property
    def places_per_client(self) -> int:
        """Places that one client may take."""
        return math.ceil(CLIENT_SHARE * self.places)

    @property
    def bytes_per_client(self) -> int:
        """Bytes that the requests of one client may hold together; one request always may."""
        return max(math.ceil(CLIENT_SHARE * self.max_bytes_held), self.max_bytes)

    @property
    def streams_per_client(self) -> int:
        """Streams that one client may have open."""
        if self.max_streams_per_client is not None:
            return self.max_streams_per_client
        return math.ceil(CLIENT_SHARE * self.max_streams)

    @property
    def stream_bytes_per_client(self) -> int:
        """Bytes that a window, and the streams of one client together, may hold."""
        return self.max_bytes_held // 2

    @property
    def max_stream_bytes(self) -> int:
        """Bytes that all streams may hold together: the rest is left to requests."""
        return math.floor(self.stream_bytes_per_client / CLIENT_SHARE)


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
