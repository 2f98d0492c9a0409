"""The formats of recordings: one list for data sets, predictions, the service and its page."""

import os
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Format:
    """A format of recordings.

    Attributes
    ----------
    name : str
    suffixes : tuple of str
        Endings of file names, in lower case.
    media_types : tuple of str
        The first is the usual one.
    library_names : tuple of str
        What libsndfile calls the format; empty if libsndfile does not read it.
    demuxer : str
        The demuxer of ffmpeg that reads the format; empty if libsndfile reads it.
    """

    name: str
    suffixes: tuple[str, ...]
    media_types: tuple[str, ...]
    library_names: tuple[str, ...] = ()
    demuxer: str = ""


WAV = Format(
    "WAV",
    (".wav",),
    ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"),
    ("WAV", "WAVEX", "RF64"),
)
FLAC = Format("FLAC", (".flac",), ("audio/flac", "audio/x-flac"), ("FLAC",))
OGG = Format(
    "OGG",
    (".ogg", ".oga", ".opus"),
    ("audio/ogg", "application/ogg", "audio/opus"),
    ("OGG",),
)
MP3 = Format("MP3", (".mp3",), ("audio/mpeg", "audio/mp3"), ("MP3",))
MP4 = Format(
    "M4A", (".m4a", ".mp4"), ("audio/mp4", "audio/m4a", "audio/x-m4a", "video/mp4"), demuxer="mov"
)
AAC = Format("AAC", (".aac",), ("audio/aac", "audio/aacp", "audio/x-aac"), demuxer="aac")
WEBM = Format("WebM", (".webm",), ("audio/webm", "video/webm"), demuxer="matroska")

FORMATS = (WAV, FLAC, OGG, MP3, MP4, AAC, WEBM)
"""Every format that is read."""

SUFFIXES = tuple(suffix for one in FORMATS for suffix in one.suffixes)
"""File name endings of recordings, in lower case."""

MEDIA_TYPES = tuple(media_type for one in FORMATS for media_type in one.media_types)
"""Media types of recordings."""

_ALWAYS = ", ".join(one.name for one in FORMATS if not one.demuxer)
_BY_FFMPEG = ", ".join(one.name for one in FORMATS if one.demuxer)

FORMATS_TEXT = f"{_ALWAYS}, and where ffmpeg is installed {_BY_FFMPEG}"
"""The formats, for people."""

_EVERY_NAME = ", ".join(one.name for one in FORMATS)
UNREADABLE = f"not a readable recording; these formats are read: {_EVERY_NAME}"
"""What is said of content that is in none of the formats, or damaged."""

EMPTY = "holds no samples; record it again"
"""What is said of a recording or a file without content."""

_START = 12
_MOST_TAGS = 8
_ID3 = 10  # bytes of the header of an ID3 tag
_ID3_FOOTER = 0x10


def find_format(file: BinaryIO) -> Format | None:
    """Return the format of a recording by its first bytes; None if it is none of `FORMATS`.

    ID3 tags before the sound are passed over. The file is left where it was.

    References
    ----------
    Microsoft, "Multimedia Programming Interface and Data Specifications 1.0" (RIFF); RFC 9639
    (FLAC); RFC 3533 (Ogg); ISO/IEC 11172-3 and 13818-7 (headers of MP3 and AAC frames);
    ISO/IEC 14496-12 (MP4); RFC 8794 (EBML, of WebM); id3.org, "ID3 tag version 2.4.0".
    """
    beginning = file.tell()
    try:
        for _ in range(_MOST_TAGS):
            start = file.read(_START)
            if not start.startswith(b"ID3") or len(start) < _ID3:
                return _format_of_start(start)
            size = 0
            for byte in start[6:10]:
                size = size << 7 | byte & 0x7F
            footer = _ID3 if start[5] & _ID3_FOOTER else 0
            file.seek(size + footer + _ID3 - len(start), os.SEEK_CUR)
    finally:
        file.seek(beginning)
    return None


def _format_of_start(start: bytes) -> Format | None:
    if start[:4] in (b"RIFF", b"RIFX", b"RF64") and start[8:12] == b"WAVE":
        return WAV
    for magic, found in ((b"fLaC", FLAC), (b"OggS", OGG), (b"\x1a\x45\xdf\xa3", WEBM)):
        if start.startswith(magic):
            return found
    if start[4:8] == b"ftyp":
        return MP4
    if len(start) > 1 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0:
        if start[1] & 0xF6 == 0xF0:  # the layer is 0 in a frame of AAC only
            return AAC
        return MP3 if start[1] & 0x06 else None
    return None
