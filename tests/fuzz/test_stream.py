import contextlib
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.sync.client import connect

from tests.fuzz.common import altered, fuzzed
from tests.fuzz.service import ANSWER_SECONDS, address, check_alive, exchange

VALUE = st.sampled_from(
    ("1", "0.05", "0", "-1", "2", "nan", "inf", "1e9", "16000", "8000", "s16le", "f32le", "x", "",
     "fan/00", "00", "\0", "9" * 400, "0.1")
)  # fmt: skip
QUERY = st.dictionaries(
    st.sampled_from(("rate", "channels", "encoding", "window", "step", "machine_id", "other")),
    VALUE,
    max_size=3,
)
MESSAGE = st.binary(max_size=40_000) | st.sampled_from(
    ("end", "", "END", "x" * 70_000, b"", b"\0" * 32_000, b"\xff\x7f" * 16_000)
)
FAILED = 1011
"""Close code of a service that failed."""


@fuzzed
@given(QUERY, st.lists(MESSAGE, max_size=6))
def test_any_stream_is_answered_or_closed_with_a_reason(
    query: dict[str, str], messages: list[bytes | str]
) -> None:
    host, port = address()
    try:
        # Short windows, so that some are judged; a later value of the same name wins.
        given_query = urlencode({"window": "0.3", **query})
        with connect(f"ws://{host}:{port}/stream?{given_query}", proxy=None) as stream:
            with contextlib.suppress(ConnectionClosed):
                for message in messages:
                    stream.send(message)
                stream.send("end")
                while stream.recv(ANSWER_SECONDS):
                    pass
            assert stream.protocol.close_code != FAILED
        status = 101
    except InvalidStatus as refusal:
        status = refusal.response.status_code
    assert status < 500
    check_alive()


HANDSHAKE = (
    b"GET /stream?window=0.3 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
FRAMES = (
    b"\x82\x84\0\0\0\0abcd" * 50,
    b"\x81\x83\0\0\0\0end",
    b"\x82\xff" + b"\xff" * 8 + b"\0" * 40,
    b"\x88\x82\0\0\0\0\x03\xe8",
    b"\x89\x80\0\0\0\0" * 100,
    b"\x02\x81\0\0\0\0x" + b"\x00\x81\0\0\0\0x" * 100,
)


@fuzzed
@given(altered(*(HANDSHAKE + frames for frames in FRAMES)))
def test_altered_frames_do_not_end_the_service(content: bytes) -> None:
    with contextlib.suppress(InvalidMessage):
        answer = exchange(content)
        assert not answer.startswith(b"HTTP/1.1 5"), answer[:300]
    check_alive()
