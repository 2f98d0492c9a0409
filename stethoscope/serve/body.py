"""Receiving recordings, in memory only, with bounds on their size and on the time they take."""

import asyncio
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from stethoscope.counts import count
from stethoscope.serve.limits import Limits, RefusalError
from stethoscope.serve.places import Place
from stethoscope.sound.formats import MEDIA_TYPES

AUDIO_TYPES = (*MEDIA_TYPES, "application/octet-stream")
"""Media types of a recording sent as the whole body."""

_FORM = "multipart/form-data"
_MAX_FIELDS = 8
_MAX_FIELD_BYTES = 1000
_MAX_HEADER_BYTES = 4000
_MAX_NAME = 200


@dataclass(slots=True)
class Upload:
    """A recording as it was sent.

    Attributes
    ----------
    name : str
        File name that the client gave; may be empty.
    content : bytes or bytearray
    """

    name: str
    content: bytes | bytearray = b""


@dataclass(slots=True)
class Form:
    """The content of a body: recordings in order, and the other fields."""

    uploads: list[Upload] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


async def receive(request: Request, place: Place, limits: Limits, *, max_files: int = 1) -> Form:
    """Receive a body: a form whose fields `file` are recordings, or a recording alone.

    Parameters
    ----------
    request : Request
    place : Place
        Where the received bytes are counted.
    limits : Limits
    max_files : int
        Most recordings in the form.

    Raises
    ------
    RefusalError
        400, 408, 413, 415, 422 or 429. No more bytes than the limits allow are read before it.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limits.max_bytes:
        raise _too_large(limits)
    reader = _reader(request, max_files)
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
        late = (
            f"the request did not arrive within {limits.receive_seconds:g} s; "
            "send it faster or cut it into shorter clips"
        )
        raise RefusalError(408, "too_slow", late) from None
    except ClientDisconnect:
        raise incomplete() from None
    finally:
        reader.close()
    return reader.finish()


def _reader(request: Request, max_files: int) -> "_FormReader | _RawReader":
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    media_type = content_type.decode("latin-1").strip().lower()
    if media_type == _FORM:
        return _FormReader(options.get(b"boundary", b""), max_files)
    if media_type in AUDIO_TYPES:
        return _RawReader(request.query_params.get("name", "")[:_MAX_NAME])
    raise RefusalError(
        415,
        "unsupported_media_type",
        f"send the recording as field `file` of {_FORM}, "
        "or as the body with content type audio/wav",
    )


def incomplete() -> RefusalError:
    """Return the refusal of a request whose client has left."""
    return RefusalError(400, "incomplete", "the connection ended before the request did")


def _too_large(limits: Limits) -> RefusalError:
    return RefusalError(
        413,
        "too_large",
        f"the body has more than {limits.max_bytes:,} bytes; cut the recording into shorter clips",
    )


def _malformed(what: str) -> RefusalError:
    return RefusalError(
        422,
        "malformed_form",
        f"the form {what}; send it as multipart/form-data with the recording in the field `file`",
    )


class _RawReader:
    """Reads a body that is the recording itself."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._content = bytearray()

    def write(self, chunk: bytes) -> None:
        self._content += chunk

    def close(self) -> None:
        """Read no more."""

    def finish(self) -> Form:
        return Form([Upload(self._name, self._content)])


class _FormReader:
    """Reads a form part by part, while it arrives."""

    def __init__(self, boundary: bytes, max_files: int) -> None:
        if not boundary:
            raise _malformed("names no boundary in its content type")
        self._form = Form()
        self._max_files = max_files
        self._ended = False
        self._header_name, self._header_value = bytearray(), bytearray()
        self._disposition = b""
        self._name = ""
        self._content = bytearray()
        self._n_parts = 0
        self._is_file = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._extend_header_name,
                    "on_header_value": self._extend_header_value,
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

    def close(self) -> None:
        """Read no more. Parser and reader hold each other, and so the recordings, until then."""
        self._parser.callbacks = {}

    def finish(self) -> Form:
        if not self._ended:
            raise _malformed("ends before its last boundary")
        if not self._form.uploads:
            raise RefusalError(
                422, "no_file", "the form has no field `file`; send the recording in it"
            )
        return self._form

    def _begin_part(self) -> None:
        self._disposition = b""
        self._content = bytearray()
        self._n_parts += 1
        if self._n_parts > self._max_files + _MAX_FIELDS:
            raise self._too_many_files()

    def _extend_header_name(self, data: bytes, start: int, end: int) -> None:
        self._extend(self._header_name, data[start:end])

    def _extend_header_value(self, data: bytes, start: int, end: int) -> None:
        self._extend(self._header_value, data[start:end])

    def _extend(self, part: bytearray, data: bytes) -> None:
        part.extend(data)
        if len(part) > _MAX_HEADER_BYTES:
            raise _malformed("has a part with an overlong header")

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name, self._header_value = bytearray(), bytearray()

    def _begin_content(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        # The name of the field decides: some clients send a recording without a file name.
        self._is_file = self._name == "file"
        if self._is_file:
            self._begin_file(options.get(b"filename", b"").decode("utf-8", "replace"))
        elif len(self._form.fields) >= _MAX_FIELDS:
            raise _malformed(f"has more than {_MAX_FIELDS} fields")

    def _begin_file(self, name: str) -> None:
        if len(self._form.uploads) >= self._max_files:
            raise self._too_many_files()
        self._form.uploads.append(Upload(name[:_MAX_NAME]))

    def _too_many_files(self) -> RefusalError:
        where = "; send several to /inference/batch" if self._max_files == 1 else ""
        return RefusalError(
            413,
            "too_many_files",
            f"the form has more than {count(self._max_files, 'field')} `file`{where}",
        )

    def _extend_content(self, data: bytes, start: int, end: int) -> None:
        self._content += memoryview(data)[start:end]
        if not self._is_file and len(self._content) > _MAX_FIELD_BYTES:
            raise _malformed(
                f"has a field of more than {_MAX_FIELD_BYTES} bytes that is not named `file`"
            )

    def _end_part(self) -> None:
        content, self._content = self._content, bytearray()
        if self._is_file:
            self._form.uploads[-1].content = content
        else:
            self._form.fields[self._name] = content.decode("utf-8", "replace")

    def _end(self) -> None:
        self._ended = True
