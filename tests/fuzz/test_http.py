import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.common import altered, fuzzed, sounds
from tests.fuzz.service import check_alive, exchange

BOUNDARY = b"fuzz"


def form(content: bytes, field: bytes, headers: bytes, end: bytes) -> bytes:
    """Return a form with one file."""
    start = b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="a.wav"\r\n%s\r\n'
    return start % (BOUNDARY, field, headers) + content + b"\r\n--%s%s" % (BOUNDARY, end)


def request(method: bytes, target: bytes, headers: list[bytes], body: bytes) -> bytes:
    """Return a request, with the length of its body unless the headers give one."""
    if not any(one.lower().startswith((b"content-length", b"transfer")) for one in headers):
        headers = [*headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: x", *headers, b"", body])


def answers_or_refuses(content: bytes) -> None:
    """Check that a request gets no answer or a complete one that does not report a failure."""
    answer = exchange(content)
    check_alive()
    if not answer:
        return
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), answer[:200]
    status = int(head.split(b" ", 2)[1])
    assert status < 500 or status == 503, answer[:500]
    if b"application/json" in head and status >= 400 and body.strip().endswith(b"}"):
        json.loads(body.partition(b"HTTP/1.1 ")[0], parse_constant=pytest.fail)


FORM = form(sounds()["WAV-PCM_16"] * 8, b"file", b"", b"--\r\n")
KIND = b"Content-Type: multipart/form-data; boundary=" + BOUNDARY
HEADER = st.sampled_from(
    (
        KIND, b"Content-Type: audio/wav", b"Content-Type: application/json", b"Content-Type: ",
        b"Content-Length: abc", b"Content-Length: -1", b"Content-Length: 99999999999999999999",
        b"Content-Length: 5", b"Content-Length: 5\r\nContent-Length: 6", b"Expect: 100-continue",
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Connection: close",
        b"Authorization: Bearer \xff", b"X-Request-ID: \xc3\xa9" + b"x" * 300, b"Accept: text/html",
        b"Range: bytes=0-1", b"Upgrade: h2c", b"Forwarded: for=1", b"Origin: http://evil",
        b"X-Forwarded-For: ,,1.2.3.4.5", b": x", b"x", b"Content-Encoding: gzip",
    )
)  # fmt: skip
TARGET = st.sampled_from(
    (
        b"/inference", b"/inference?machine_id=fan/00", b"/inference?picture=true&machine_id=%00",
        b"/", b"/docs", b"/openapi.json", b"/metrics", b"/v2", b"/v2/models/x", b"/v2/models/%ff",
        b"/v2/models/sealed/infer", b"/stream", b"/../etc/passwd", b"*", b"http://x/", b"/%",
        b"/inference?" + b"a" * 9000, b"/v2/models/" + b"y" * 400, b"/classify", b"/batch",
    )
)  # fmt: skip
METHOD = st.sampled_from((b"POST", b"POST", b"POST", b"GET", b"HEAD", b"PUT", b"OPTIONS", b"X"))
BODY = (
    st.builds(
        form,
        altered(*sounds().values()),
        st.sampled_from((b"file", b"files", b"", b"\xff", b'"', b"machine_id")),
        st.sampled_from((b"", b"Content-Type: audio/wav\r\n", b"\xff\r\n", b"X: " + b"y" * 9000)),
        st.sampled_from((b"--\r\n", b"\r\n", b"", b"--")),
    )
    | altered(FORM, *sounds().values())
    | st.binary(max_size=200)
    | st.sampled_from((b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"[" * 5000, b'{"inputs": [1e999]}'))
)


@fuzzed
@given(METHOD, TARGET, st.lists(HEADER, max_size=3), BODY, st.booleans())
def test_any_request_is_answered_or_refused(
    method: bytes, target: bytes, headers: list[bytes], body: bytes, as_form: bool
) -> None:
    given_headers = [KIND, *headers] if as_form else headers
    answers_or_refuses(request(method, target, given_headers, body))


@fuzzed
@given(altered(request(b"POST", b"/inference", [KIND, b"Connection: close"], FORM)))
def test_altered_request_is_answered_or_refused(content: bytes) -> None:
    answers_or_refuses(content)
