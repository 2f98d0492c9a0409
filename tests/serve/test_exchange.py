"""Messages to a worker: the other end of the connection is a thread of the test."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from stethoscope.serve import wire
from stethoscope.serve.exchange import Exchange


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def answering(theirs: socket.socket, answer: Callable[[wire.Fields, bytes], bytes]) -> None:
    """Answer messages in a thread until the connection is closed."""

    def run() -> None:
        try:
            while True:
                theirs.sendall(answer(*wire.receive(theirs)))
        except (EOFError, OSError):
            return

    threading.Thread(target=run, daemon=True).start()


@pytest.mark.parametrize("size", [0, 1, 320_000, 5 << 20])
def test_content_arrives_whole_and_replies_belong_to_their_messages(
    ends: tuple[socket.socket, socket.socket], size: int
) -> None:
    ours, theirs = ends
    answering(
        theirs,
        lambda job, content: wire.head(
            {"number": job["number"], "sum": sum(content), "text": "x" * 200_000}, 0
        ),
    )

    async def run() -> None:
        exchange = Exchange(ours)
        content = bytes(range(256)) * (size // 256 + 1)
        parts: list[wire.Buffer] = [content[: size // 3], memoryview(content)[size // 3 : size]]
        for number in range(3):
            reply = await exchange.ask({"number": number}, parts)
            assert (reply["number"], reply["sum"]) == (number, sum(content[:size]))
        exchange.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\0\0",
        struct.pack("!IQ", 3, 0) + b"abc",
        struct.pack("!IQ", 2, 0) + b"[]",
        struct.pack("!IQ", 2, 0) + b"{}{}",
        struct.pack("!IQ", 2, 4) + b"{}wave",
        struct.pack("!IQ", 1 << 30, 0),
        struct.pack("!IQ", 200_000, 0) + b"[" * 200_000,
    ],
)
def test_other_reply_than_an_object_ends_the_exchange(
    ends: tuple[socket.socket, socket.socket], reply: bytes
) -> None:
    ours, theirs = ends

    def answer(*_: object) -> bytes:
        theirs.sendall(reply)
        theirs.shutdown(socket.SHUT_WR)
        return b""

    answering(theirs, answer)

    async def run() -> None:
        exchange = Exchange(ours)
        async with asyncio.timeout(20):
            with pytest.raises(EOFError):
                await exchange.ask({}, [])
        assert not exchange.is_alive()
        exchange.close()

    asyncio.run(run())


def test_reply_that_nobody_waits_for_any_more_leaves_the_connection_usable(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    released = threading.Event()

    def answer(job: wire.Fields, _: bytes) -> bytes:
        released.wait(20)
        return wire.head(job, 0)

    answering(theirs, answer)

    async def run() -> None:
        exchange = Exchange(ours)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await exchange.ask({"number": 0}, [])
        assert not await exchange.is_answered_within(0.01)
        released.set()
        assert await exchange.is_answered_within(20)
        assert exchange.is_alive()
        assert await exchange.ask({"number": 1}, []) == {"number": 1}
        exchange.close()

    asyncio.run(run())


def test_what_comes_without_a_question_ends_the_connection(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    answering(theirs, lambda job, _: wire.head(job, 0))

    async def run() -> None:
        exchange = Exchange(ours)
        await exchange.ask({}, [])
        theirs.sendall(wire.head({"number": 1}, 0))
        async with asyncio.timeout(20):
            while exchange.is_alive():
                await asyncio.sleep(0)
        exchange.close()

    asyncio.run(run())
