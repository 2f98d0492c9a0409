"""Who is served at once: a bounded number of requests and bytes, and a share of them per client."""

import ipaddress
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from stethoscope.serve.limits import Limits, RefusalError

_IPV6_NETWORK = 64  # bits; one customer of a provider has at least one such network


class Place:
    """The place of one request or stream, and the bytes that it holds.

    Attributes
    ----------
    client : str
        Whom it belongs to.
    bytes_held : int
    cost : float
        Samples that were judged for it so far.
    """

    def __init__(self, places: "Places", client: str, most: int) -> None:
        self._places = places
        self._most = most
        self.client = client
        self.bytes_held = 0
        self.cost = 0.0

    def hold(self, n_bytes: int) -> None:
        """Count bytes as held until the place is released.

        Raises
        ------
        RefusalError
            429 if all requests together, or those of this client, would hold too many.
        """
        self._places._hold(self, n_bytes)
        self.bytes_held += n_bytes


class Places:
    """The places of a service; it refuses requests beyond them.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._taken: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()
        self._held_by_streams: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """Places that requests have taken."""
        return self._taken.total()

    @property
    def streams(self) -> int:
        """Streams that are open."""
        return self._streams.total()

    @contextmanager
    def take(self, client: str) -> Iterator[Place]:
        """Take a place for a request; release it and the bytes counted there at the end.

        Raises
        ------
        RefusalError
            429 if all places are taken, or all that one client may take.
        """
        if self.taken >= self._limits.places:
            raise _queue_full(f"{self._limits.places} requests are being worked on already")
        if self._taken[client] >= self._limits.places_per_client:
            most = self._limits.places_per_client
            raise _queue_full(f"{most} requests of yours are being worked on already")
        place = Place(self, client, self._limits.bytes_per_client)
        self._taken[client] += 1
        try:
            yield place
        finally:
            _take_off(self._taken, client, 1)
            _take_off(self._held, client, place.bytes_held)

    @contextmanager
    def take_for_stream(self, client: str, n_bytes: int) -> Iterator[Place]:
        """Take a place for a stream, and hold the bytes of its window, until the end.

        Raises
        ------
        RefusalError
            503 if too many streams are open, or if their windows would hold too many bytes; 429 if
            this client's streams are too many, or would hold too many bytes.
        """
        self._check_streams(client, n_bytes)
        place = Place(self, client, self._limits.max_bytes_held)
        place.hold(n_bytes)
        self._streams[client] += 1
        self._held_by_streams[client] += n_bytes
        try:
            yield place
        finally:
            _take_off(self._streams, client, 1)
            _take_off(self._held_by_streams, client, n_bytes)
            _take_off(self._held, client, place.bytes_held)

    def _check_streams(self, client: str, n_bytes: int) -> None:
        """Refuse one more stream of a client if there is no room for it."""
        limits = self._limits
        if self.streams >= limits.max_streams:
            raise _too_many_streams(
                503, f"{limits.max_streams} streams are open already; try again later"
            )
        if self._streams[client] >= limits.streams_per_client:
            raise _too_many_streams(
                429,
                f"{limits.streams_per_client} streams of yours are open already; close one, or ask "
                "the operator for a larger --max-streams-per-client",
            )
        if self._held_by_streams.total() + n_bytes > limits.max_stream_bytes:
            raise _too_many_streams(
                503,
                "the open streams leave too little memory for this window; try again later or "
                "shorten it",
            )
        if self._held_by_streams[client] + n_bytes > limits.stream_bytes_per_client:
            raise _too_many_streams(
                429,
                "your open streams leave too little memory for this window; shorten it, or close "
                "one",
            )

    def _hold(self, place: Place, n_bytes: int) -> None:
        everyone, own = self._held.total() + n_bytes, self._held[place.client] + n_bytes
        if everyone > self._limits.max_bytes_held or own > place._most:
            raise RefusalError(
                429, "memory_full", "too many large requests at once; try again in a second"
            )
        self._held[place.client] += n_bytes


def client_of(scope: MutableMapping[str, Any]) -> str:
    """Return whom a request comes from: an IPv4 address, or the network of an IPv6 address."""
    return _client_at(str((scope.get("client") or ("",))[0]))


@lru_cache(maxsize=1024)
def _client_at(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a socket of the file system has no address
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))


def _take_off(counter: Counter[str], key: str, amount: int) -> None:
    counter[key] -= amount
    if not counter[key]:
        del counter[key]


def _queue_full(what: str) -> RefusalError:
    return RefusalError(429, "queue_full", f"{what}; try again in a second")


def _too_many_streams(status: int, message: str) -> RefusalError:
    return RefusalError(status, "too_many_streams", message)
