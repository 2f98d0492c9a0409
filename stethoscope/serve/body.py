"""Receiving recordings: bounded in size and time while they arrive, in memory only."""

import asyncio
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from stethoscope.serve.limits import Limits, Refusal
from stethoscope.serve.workers import Place

AUDIO_TYPES = (
    "audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/flac", "audio/x-flac", "audio/ogg",
    "application/ogg", "application/octet-stream",
)  # fmt: skip
"""Media types of a recording sent as the whole body."""

_FORM = "multipart/form-data"
_MAX_FIELDS = 8
_MAX_FIELD_BYTES = 1000
_MAX_HEADER_BYTES = 4000
_MAX_NAME = 200


@dataclass(slots=True)
class Upload:
    """A recording as it came.

    Attributes
    ----------
    name : str
        File name that the client gave; may be empty.
    content : bytes
    """

    name: str
    content: bytes = b""


@dataclass(slots=True)
class Form:
    """What a body held: recordings in order, and the other fields."""

    uploads: list[Upload] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


async def receive(request: Request, place: Place, limits: Limits, *, max_files: int = 1) -> Form:
    """Receive a body: a form whose fields `file` are recordings, or a recording alone.

    Raises
    ------
    Refusal
        408, 413, 415, 422 or 429, before more than the limits has been read.
    """
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    media_type = content_type.decode("latin-1").strip().lower()
    promised = request.headers.get("content-length", "")
    if promised.isdigit() and int(promised) > limits.max_bytes:
        raise _too_large(limits)
    reader: _FormReader | _RawReader
    if media_type == _FORM:
        reader = _FormReader(options.get(b"boundary", b""), max_files)
    elif media_type in AUDIO_TYPES:
        reader = _RawReader(request.query_params.get("name", "")[:_MAX_NAME])
    else:
        raise Refusal(
            415,
            "unsupported_media_type",
            f"send the recording as field `file` of {_FORM}, or as the body with content type audio/wav",
        )
    received = 0
    try:
        async with asyncio.timeout(limits.receive_seconds):
            async for chunk in request.stream():
                received += len(chunk)
                if received > limits.max_bytes:
                    raise _too_large(limits)
                place.hold(len(chunk))
                reader.write(chunk)
    except TimeoutError:
        late = f"the request did not arrive within {limits.receive_seconds:g} s; send it faster or cut it into shorter clips"
        raise Refusal(408, "too_slow", late) from None
    except ClientDisconnect:
        raise Refusal(400, "incomplete", "the connection ended before the request did") from None
    return reader.finish()


def _too_large(limits: Limits) -> Refusal:
    return Refusal(
        413,
        "too_large",
        f"the body has more than {limits.max_bytes:,} bytes; cut the recording into shorter clips",
    )


def _malformed(what: str) -> Refusal:
    return Refusal(
        422,
        "malformed_form",
        f"the form {what}; send it as multipart/form-data with the recording in the field `file`",
    )


class _RawReader:
    """The body is the recording."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._chunks: list[bytes] = []

    def write(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def finish(self) -> Form:
        return Form([Upload(self._name, b"".join(self._chunks))])


class _FormReader:
    """The body is a form; its parts are taken apart while they arrive."""

    def __init__(self, boundary: bytes, max_files: int) -> None:
        if not boundary:
            raise _malformed("names no boundary in its content type")
        self._form = Form()
        self._max_files = max_files
        self._ended = False
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._name = ""
        self._content: list[bytes] = []
        self._n_bytes = 0
        self._is_file = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": lambda data, start, end: self._extend_header(
                        0, data[start:end]
                    ),
                    "on_header_value": lambda data, start, end: self._extend_header(
                        1, data[start:end]
                    ),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_content,
                    "on_part_data": self._extend_content,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise _malformed("has a boundary that is too long") from None

    def write(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _malformed("is not laid out as one") from None

    def finish(self) -> Form:
        if not self._ended:
            raise _malformed("ends before its last boundary")
        if not self._form.uploads:
            raise Refusal(422, "no_file", "the form has no field `file`; send the recording in it")
        return self._form

    def _begin_part(self) -> None:
        self._disposition = b""
        self._content = []
        self._n_bytes = 0

    def _extend_header(self, part: int, data: bytes) -> None:
        self._header[part].extend(data)
        if len(self._header[part]) > _MAX_HEADER_BYTES:
            raise _malformed("has a part with an overlong header")

    def _end_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _begin_content(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        # Some clients give a recording no file name.
        self._is_file = self._name == "file"
        if self._is_file:
            if len(self._form.uploads) >= self._max_files:
                where = "; send several to /inference/batch" if self._max_files == 1 else ""
                raise Refusal(
                    413,
                    "too_many_files",
                    f"the form has more than {self._max_files} field(s) `file`{where}",
                )
            self._form.uploads.append(
                Upload(options.get(b"filename", b"").decode("utf-8", "replace")[:_MAX_NAME])
            )
        elif len(self._form.fields) >= _MAX_FIELDS:
            raise _malformed(f"has more than {_MAX_FIELDS} fields")

    def _extend_content(self, data: bytes, start: int, end: int) -> None:
        self._content.append(data[start:end])
        self._n_bytes += end - start
        if not self._is_file and self._n_bytes > _MAX_FIELD_BYTES:
            raise _malformed(
                f"has a field of more than {_MAX_FIELD_BYTES} bytes that is not named `file`"
            )

    def _end_part(self) -> None:
        content = b"".join(self._content)
        self._content = []
        if self._is_file:
            self._form.uploads[-1].content = content
        else:
            self._form.fields[self._name] = content.decode("utf-8", "replace")

    def _end(self) -> None:
        self._ended = True
