from contextlib import ExitStack

import pytest

from stethoscope.serve.limits import Limits, RefusalError
from stethoscope.serve.places import Places, client_of


def test_one_client_never_takes_all_places() -> None:
    places = Places(Limits(places=4))
    with places.take("a"), places.take("a"), places.take("a"):
        with pytest.raises(RefusalError, match="3 requests of yours") as refused, places.take("a"):
            pass
        assert (refused.value.status, refused.value.reason) == (429, "queue_full")
        with places.take("b"):
            assert places.taken == 4
            with pytest.raises(RefusalError, match="4 requests"), places.take("c"):
                pass
    assert places.taken == 0


def test_one_client_never_holds_all_bytes_and_releases_them() -> None:
    places = Places(Limits(max_bytes_held=100, max_bytes=10))
    with places.take("a") as first:
        first.hold(75)
        with pytest.raises(RefusalError) as refused:
            first.hold(1)
        assert (refused.value.status, refused.value.reason) == (429, "memory_full")
        with places.take("b") as second:
            second.hold(25)
            with pytest.raises(RefusalError):
                second.hold(1)
    with places.take("a") as first:
        first.hold(75)


def test_one_request_of_the_largest_size_is_always_allowed() -> None:
    with Places(Limits(max_bytes_held=100, max_bytes=100)).take("a") as place:
        place.hold(100)


def test_windows_of_streams_are_counted_within_the_bytes_and_leave_a_third_to_requests() -> None:
    places = Places(Limits(max_bytes_held=120, max_bytes=10))
    with places.take_for_stream("a", 40), places.take_for_stream("a", 20):
        with pytest.raises(RefusalError, match="your open") as refused:
            places.take_for_stream("a", 1).__enter__()
        assert (refused.value.status, refused.value.reason) == (429, "too_many_streams")
        with places.take_for_stream("b", 20), places.take("b") as place:
            with pytest.raises(RefusalError, match="the open streams leave") as refused:
                places.take_for_stream("c", 1).__enter__()
            assert (refused.value.status, refused.value.reason) == (503, "too_many_streams")
            place.hold(40)
            with pytest.raises(RefusalError):
                place.hold(1)
    with places.take_for_stream("b", 60):
        assert places.streams == 1


@pytest.mark.parametrize(("limits", "most"), [({}, 3), ({"max_streams_per_client": 1}, 1)])
def test_one_client_never_takes_all_streams(limits: dict[str, int], most: int) -> None:
    places = Places(Limits(max_streams=4, **limits))
    with ExitStack() as stack:
        for _ in range(most):
            stack.enter_context(places.take_for_stream("a", 1))
        with pytest.raises(RefusalError, match=f"{most} streams of yours.*close one") as refused:
            places.take_for_stream("a", 1).__enter__()
        assert (refused.value.status, refused.value.reason) == (429, "too_many_streams")
        for client in range(4 - most):
            stack.enter_context(places.take_for_stream(f"b{client}", 1))
        with pytest.raises(RefusalError, match="4 streams are open already") as refused:
            places.take_for_stream("c", 1).__enter__()
        assert (refused.value.status, refused.value.reason) == (503, "too_many_streams")
    assert places.streams == 0


def test_only_stream_of_a_service_is_open_to_every_client() -> None:
    with Places(Limits(max_streams=1)).take_for_stream("a", 1):
        pass


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_client_is_an_address_or_the_network_of_one(address: str, client: str) -> None:
    assert client_of({"client": (address, 1234)}) == client


def test_client_without_an_address_is_served() -> None:
    assert client_of({"client": None}) == ""
