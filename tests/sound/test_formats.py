import io
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

import stethoscope.serve
from stethoscope.datasets.archives import is_recording
from stethoscope.serve.body import AUDIO_TYPES
from stethoscope.sound.formats import (
    AAC,
    FLAC,
    FORMATS,
    MP3,
    MP4,
    OGG,
    SUFFIXES,
    WAV,
    WEBM,
    Format,
    find_format,
)

DOCS = Path(__file__).parents[2] / "docs" / "data.md"
# Beginnings of files that other programs wrote.
STARTS: list[tuple[bytes, Format | None]] = [
    (b"RIFF\x24\0\0\0WAVEfmt ", WAV),
    (b"RIFX\0\0\0\x24WAVEfmt ", WAV),
    (b"RF64\xff\xff\xff\xffWAVEds64", WAV),
    (b"RIFF\x24\0\0\0AVI LIST", None),
    (b"fLaC\0\0\0\x22", FLAC),
    (b"OggS\0\2\0\0\0\0\0\0", OGG),
    (b"\xff\xfb\x90\x64\0\0\0\0\0\0\0\0", MP3),
    (b"\xff\xf3\x44\xc4\0\0\0\0\0\0\0\0", MP3),
    (b"\xff\xf1\x50\x80\x02\x1f\xfc\0\0\0\0\0", AAC),
    (b"\xff\xf9\x50\x80\x02\x1f\xfc\0\0\0\0\0", AAC),
    (b"\0\0\0\x1cftypM4A \0\0\2\0", MP4),
    (b"\0\0\0\x20ftypisom\0\0\2\0", MP4),
    (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81", WEBM),
    (b"ID3\4\0\0\0\0\1\2" + bytes(130) + b"\xff\xfb\x90\x64", MP3),
    (b"ID3\4\0\x10\0\0\0\2" + bytes(12) + b"fLaC\0\0\0\x22", FLAC),
    (b"ID3\4\0\0\x7f\x7f\x7f\x7f", None),
    (b"FORM\0\0\0\0AIFFCOMM", None),
    (b"\xff", None),
    (b"", None),
]


@pytest.mark.parametrize(("start", "expected"), STARTS)
def test_format_is_known_by_its_first_bytes(start: bytes, expected: Format | None) -> None:
    file = io.BytesIO(b"before" + start)
    file.seek(6)
    assert find_format(file) is expected
    assert file.tell() == 6


@pytest.mark.parametrize("form", [one for one in FORMATS if one.library_names])
def test_what_libsndfile_writes_in_a_format_is_recognised(form: Format) -> None:
    for kind in form.library_names:
        file = io.BytesIO()
        soundfile.write(file, np.zeros(1600), 16_000, format=kind)
        file.seek(0)
        assert find_format(file) is form


def test_data_sets_service_page_and_docs_have_one_list_of_formats() -> None:
    assert all(is_recording(f"fan/Clip{suffix.upper()}") for suffix in SUFFIXES)
    assert all(one.media_types[0] in AUDIO_TYPES for one in FORMATS)
    page = Path(stethoscope.serve.__file__).with_name("page") / "index.html"
    text = page.read_text(encoding="utf-8")
    picker = re.search(r'id="files" accept="([^"]*)"', text)
    assert picker is not None
    assert picker[1].split(",") == list(SUFFIXES)
    names = [one.name for one in FORMATS]
    assert f"{', '.join(names[:-1])} or {names[-1]}, at least" in text
    table = DOCS.read_text(encoding="utf-8").partition("## Formats")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| ")][1:]
    assert [(name.strip(), re.findall(r"`(\.\w+)`", endings)) for name, endings in rows] == [
        (one.name, list(one.suffixes)) for one in FORMATS
    ]
