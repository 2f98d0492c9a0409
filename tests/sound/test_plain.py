import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.sound.plain import PlainWav, open_sound

FIELDS = struct.Struct("<4sI4s4sIHHIIHH4sI")


def plain(samples: np.ndarray, rate: int = 16_000) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, samples, rate, format="WAV", subtype="PCM_16")
    return content.getvalue()


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_plain_file_is_read_as_libsndfile_reads_it(channels: int) -> None:
    noise = np.random.default_rng(0).integers(-32768, 32768, (999, channels), dtype=np.int16)
    file = io.BytesIO(plain(noise, rate=44_100))
    with open_sound(file) as sound, soundfile.SoundFile(io.BytesIO(file.getvalue())) as expected:
        assert isinstance(sound, PlainWav)
        assert (sound.format, sound.subtype) == (expected.format, expected.subtype)
        assert (sound.frames, sound.channels) == (expected.frames, expected.channels)
        assert sound.samplerate == expected.samplerate
        parts = [sound.read_whole(400), sound.read_whole(0), sound.read_whole(), sound.read_whole()]
    assert [len(part) for part in parts] == [400, 0, 599, 0]
    np.testing.assert_array_equal(np.concatenate(parts), noise)
    assert not file.closed


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("FLAC", None)],
)
def test_other_files_are_left_to_libsndfile(kind: str, subtype: str | None) -> None:
    content = io.BytesIO()
    soundfile.write(content, np.zeros(100), 16_000, format=kind, subtype=subtype)
    with open_sound(io.BytesIO(content.getvalue())) as sound:
        assert isinstance(sound, soundfile.SoundFile)
        assert sound.frames == 100


NUMBERS = st.sampled_from([0, 1, 2, 3, 4, 8, 16, 36, 44, 100, 16_000, 32_000, 0xFFFF, 0xFFFFFFFF])


@given(field=st.integers(0, 12), number=NUMBERS, end=st.integers(0, 250))
def test_a_header_of_which_anything_is_wrong_is_left_to_libsndfile(
    field: int, number: int, end: int
) -> None:
    content = plain(np.arange(100, dtype=np.int16))
    fields = list(FIELDS.unpack(content[:44]))
    fields[field] = (
        struct.pack("<I", number)
        if isinstance(fields[field], bytes)
        else number & (0xFFFF if field in (5, 6, 9, 10) else 0xFFFFFFFF)
    )
    changed = (FIELDS.pack(*fields) + content[44:])[:end]
    file = io.BytesIO(changed)
    try:
        with open_sound(file) as sound:
            assert isinstance(sound, PlainWav) == (changed == content)
    except soundfile.LibsndfileError:
        assert changed != content


def test_a_file_that_became_shorter_gives_what_is_left() -> None:
    file = io.BytesIO(plain(np.zeros((100, 2), dtype=np.int16)))
    with open_sound(file) as sound:
        file.truncate(44 + 7)
        assert isinstance(sound, PlainWav)
        assert sound.read_whole().shape == (1, 2)
